package examples

import (
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// rekognition stands for the AWS SDK, which the runtime of Lambda has.
const rekognition = `
	export class DetectModerationLabelsCommand { constructor(input) { this.input = input; } }
	export class RekognitionClient {
		async send({ input }) {
			const text = Buffer.from(input.Image.Bytes).toString();
			if (text === "broken") throw new Error("InvalidImageFormatException");
			return { ModerationLabels: text === "fine" ? [] : [{ Name: text, ParentName: "Violence" }] };
		}
	}`

func TestModerationRefusesWhatRekognitionFinds(t *testing.T) {
	folder := t.TempDir()
	sdk := folder + "/node_modules/@aws-sdk/client-rekognition"
	example, err := os.ReadFile("moderation.mjs")
	err = errors.Join(err, os.MkdirAll(sdk, 0o755),
		os.WriteFile(folder+"/moderation.mjs", example, 0o644),
		os.WriteFile(sdk+"/package.json", []byte(`{"type":"module","main":"index.js"}`), 0o644),
		os.WriteFile(sdk+"/index.js", []byte(rekognition), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	const script = `
		const { handler } = await import("./moderation.mjs");
		console.log(await handler({ image: process.argv[1] }).then(JSON.stringify, () => "error"));`
	for image, want := range map[string]string{
		"fine":    `{"verdict":"accept"}`,
		"Weapons": `{"verdict":"reject","detail":"This image can't be published here."}`,
		"broken":  "error",
		"":        "error",
	} {
		node := exec.Command("node", "--input-type=module", "-e", script, base64.StdEncoding.EncodeToString([]byte(image)))
		node.Dir = folder
		out, err := node.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%q: got %s, %v, want %s", image, got, err, want)
		}
	}
}
