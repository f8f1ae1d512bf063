// An inspector for the parameter inspectorArn: refuses what Rekognition finds unfit. Runtime nodejs22.x, which has the
// AWS SDK; timeout 10 s. Its role needs rekognition:DetectModerationLabels.
import { DetectModerationLabelsCommand, RekognitionClient } from "@aws-sdk/client-rekognition";

const refused = new Set(["Explicit", "Violence", "Visually Disturbing", "Hate Symbols"]);
const rekognition = new RekognitionClient();

export const handler = (upload) => inspect(upload, (command) => rekognition.send(new DetectModerationLabelsCommand(command)));

// inspect asks Rekognition about an upload. Errors are thrown: presize tries again, and publishes nothing meanwhile.
export async function inspect(upload, detect) {
  if (!upload.image) throw new Error("there is no image of this size");
  const { ModerationLabels } = await detect({ Image: { Bytes: Buffer.from(upload.image, "base64") }, MinConfidence: 80 });
  const found = ModerationLabels.filter((label) => refused.has(label.Name) || refused.has(label.ParentName));
  if (found.length === 0) return { verdict: "accept" };
  return { verdict: "reject", detail: "This image can't be published here." };
}
