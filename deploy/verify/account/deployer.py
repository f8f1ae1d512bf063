"""Compares the deployer's policy with what a deployment calls, both ways, and with the names of what it makes.

CloudFormation calls with the deployer's permissions. Which ones each type of resource takes, its schema says; cfn-lint
has the schemas as CloudFormation publishes them. The operator's commands say in their help what they call.
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html

It runs in the repository's root after deploy/verify has packaged.
"""

import json
import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import cfnlint

POLICY = Path("deploy/policies/deployer.json")
DELETION = Path("deploy/policies/delete-data.json")  # for DATA=delete, beside the other one
SCHEMAS = Path(cfnlint.__file__).parent / "data/schemas/resources"

# The most characters that a managed policy can have without white space.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST = 6144

# CloudFormation calls with the deployer's permissions, and IAM knows that it does.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/fas-requests-and-permission-evaluation.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html
VIA = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}

# What the deployer may do to every resource of the account, also without CloudFormation: what osls, the operator's
# commands, API Gateway and CloudFront ask for, and mappings by their function.
EVERYWHERE = """
    cloudformation:ValidateTemplate cloudformation:ListStacks lambda:GetAccountSettings cloudfront:CreateInvalidation
    logs:*LogDelivery logs:ListLogDeliveries logs:DescribeLogGroups logs:DescribeResourcePolicies logs:PutResourcePolicy
    wafv2:GetWebACL
    lambda:CreateEventSourceMapping lambda:DeleteEventSourceMapping lambda:UpdateEventSourceMapping
""".split()

# What a schema lists for properties that presize does not set.
UNUSED = """
    ec2:* elasticfilesystem:* s3files:* s3tables:* firehose:* kms:CreateGrant kms:Encrypt kms:Decrypt kms:GenerateDataKey*
    kms:ReEncrypt*
    codedeploy:* lambda:AssociateRuntimeAlias lambda:GetCodeSigningConfig lambda:PassCapacityProvider
    iam:AttachRolePolicy iam:DetachRolePolicy
    cloudfront:*ConnectionGroup cloudfront:GetVpcOrigin
    s3:*BucketMetadata*TableConfiguration s3:PutObjectAcl
    events:PutPermission events:RemovePermission
    logs:*KmsKey logs:DeleteResourcePolicy logs:PutLogGroupDeletionProtection logs:PutBearerTokenAuthentication
""".split()

# Who may take a boundary away can do without it.
REFUSED = ["iam:DeleteRolePermissionsBoundary"]

# What osls calls beside.
# https://github.com/oss-serverless/osls/tree/main/lib/plugins/aws
OSLS = """
    cloudformation:CreateStack cloudformation:UpdateStack cloudformation:DeleteStack cloudformation:CreateChangeSet
    cloudformation:DescribeChangeSet cloudformation:ExecuteChangeSet cloudformation:DeleteChangeSet cloudformation:DescribeStacks
    cloudformation:DescribeStackEvents cloudformation:DescribeStackResource cloudformation:DescribeStackResources
    cloudformation:ListStackResources cloudformation:GetTemplate cloudformation:ValidateTemplate
    cloudformation:TagResource
    s3:ListBucket s3:PutObject s3:GetObject s3:DeleteObject
""".split()

# What services ask for in the deployer's name: API Gateway for its access log, CloudFront for its web ACL, and
# CloudFormation for references to SSM.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm.html
SERVICES = """
    logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery logs:ListLogDeliveries
    logs:DescribeResourcePolicies logs:PutResourcePolicy logs:DescribeLogGroups wafv2:GetWebACL ssm:GetParameters
""".split()

# They look after uploads, which is no part of a deployment.
OTHER_COMMANDS = ("redrive.go", "backfill.go", "sweep.go", "status.go")

# The ARN of each resource that IAM knows by its name, and the property with the name. Without it CloudFormation makes
# one up, of the stack's name and the logical id; of a dashboard's, the stack's name is no part.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
# https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/783
WHERE = "us-east-1:123456789012"
ARNS = {
    "AWS::CloudWatch::Alarm": (f"arn:aws:cloudwatch:{WHERE}:alarm:%s", "AlarmName"),
    "AWS::CloudWatch::Dashboard": ("arn:aws:cloudwatch::123456789012:dashboard/%s", "DashboardName"),
    "AWS::Events::EventBus": (f"arn:aws:events:{WHERE}:event-bus/%s", "Name"),
    "AWS::Events::Rule": (f"arn:aws:events:{WHERE}:rule/presize-prod/%s", "Name"),
    "AWS::IAM::Role": ("arn:aws:iam::123456789012:role/%s", "RoleName"),
    "AWS::Lambda::Function": (f"arn:aws:lambda:{WHERE}:function:%s", "FunctionName"),
    "AWS::Lambda::LayerVersion": (f"arn:aws:lambda:{WHERE}:layer:%s:1", "LayerName"),
    "AWS::Logs::LogGroup": (f"arn:aws:logs:{WHERE}:log-group:%s", "LogGroupName"),
    "AWS::S3::Bucket": ("arn:aws:s3:::%s", "BucketName"),
    "AWS::SNS::Topic": (f"arn:aws:sns:{WHERE}:%s", "TopicName"),
    "AWS::SQS::Queue": (f"arn:aws:sqs:{WHERE}:%s", "QueueName"),
}


def main():
    policy, deletion = Policy(POLICY), Policy(DELETION)
    failures = policy.malformed() + deletion.malformed()
    called = needed()
    failures += [
        f"{POLICY} does not allow {action}, for {reason}"
        for action, reason in sorted(called.items())
        if not matches(action, policy.actions) and not matches(action, UNUSED + REFUSED)
    ]
    calls = [*called, *SERVICES]
    failures += [
        f"{POLICY} allows {pattern}, which nothing calls"
        for pattern in policy.actions
        if not any(fnmatchcase(c.lower(), pattern.lower()) for c in calls)
    ]
    failures += [f"{POLICY} allows {action}" for action in REFUSED if matches(action, policy.actions)]
    failures += policy.too_wide()
    failures += misnamed(policy)
    _, data = commands()
    failures += [
        f"{DELETION} must allow {action}, and nothing else" for action in set(data) ^ set(deletion.actions)
    ]
    failures += [f"nothing is said of a policy that {defect}" for defect in undetected()]
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"the deployer's policy: {len(called)} actions compared, {len(failures)} failures")
    return 1 if failures else 0


class Policy:
    def __init__(self, path, document=None):
        self.path = path
        self.document = document or json.loads(path.read_text())
        self.statements = self.document["Statement"]
        self.actions = [action for s in self.statements for action in several(s["Action"])]

    def malformed(self):
        """What IAM refuses."""
        sids = [s["Sid"] for s in self.statements]
        length = len(json.dumps(self.document, separators=(",", ":")))
        return [f"{self.path} has several statements with the Sid {sid}" for sid in {s for s in sids if sids.count(s) > 1}] + [
            f"{self.path} has {length} characters, a managed policy {LONGEST} at most" for _ in [0] if length > LONGEST
        ]

    def too_wide(self):
        """What is for more than presize."""
        return [f"{self.path} allows all of a service: {a}" for a in self.actions if a.endswith(":*") or a == "*"] + [
            f"{self.path} allows {action} on every resource without CloudFormation"
            for s in self.statements
            for action in several(s["Action"])
            if not all(":presize-" in r or "/presize" in r for r in several(s["Resource"]))
            and s.get("Condition") != VIA
            and action not in EVERYWHERE
        ]

    def allows(self, action, arn):
        return any(
            matches(action, several(s["Action"])) and any(fnmatchcase(arn, r) for r in several(s["Resource"]))
            for s in self.statements
        )


def misnamed(policy, templates=None):
    """What CloudFormation could not do to a resource of a template because of the resource's name."""
    failures = []
    for template in templates or compiled():
        for id, resource in template["Resources"].items():
            arn, _ = ARNS.get(resource["Type"], ("", ""))
            service = arn.split(":")[2] if arn else ""
            for verb, handler in schemas().get(resource["Type"], {}).items() if arn else ():
                for action in handler["permissions"] if verb != "list" else ():
                    if (
                        action.startswith(service + ":")
                        and not matches(action, UNUSED + REFUSED + ["s3:*Object"])  # which are of the functions' code
                        and not policy.allows(action, arn % name(id, resource))
                    ):
                        failures.append(f"{POLICY} does not allow {action} on {arn % name(id, resource)}, for {id}")
    return sorted(set(failures))


def name(id, resource):
    """The name that a resource of the stack presize-prod gets."""
    given = resource.get("Properties", {}).get(ARNS[resource["Type"]][1])
    if given is None:
        made = f"{id}-1A2B3C" if resource["Type"] == "AWS::CloudWatch::Dashboard" else f"presize-prod-{id}-1A2B3C"
        return made.lower() if resource["Type"] == "AWS::S3::Bucket" else made
    text = given if isinstance(given, str) else given["Fn::Sub"]
    region, account = WHERE.split(":")
    for variable, value in {"StackName": "presize-prod", "Region": region, "AccountId": account}.items():
        text = text.replace("${AWS::%s}" % variable, value)
    return text


def undetected():
    """Defects of a policy and a template that are not found when they are planted."""
    wide = {"Statement": [{"Sid": "A", "Action": ["s3:*", "kms:PutKeyPolicy"], "Resource": "*"}]}
    said = Policy(POLICY, wide).too_wide()
    dashboard = {"Resources": {"WebhookDashboard": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {}}}}
    long = {"Statement": [{"Sid": "A", "Action": ["s3:GetObject"] * 600, "Resource": "*"}]}
    found = {
        "allows all of a service": any("all of a service: s3:*" in f for f in said),
        "allows what only CloudFormation needs": any("kms:PutKeyPolicy on every resource" in f for f in said),
        "is too long": bool(Policy(POLICY, long).malformed()),
        "does not match a name": bool(misnamed(Policy(POLICY), [dashboard])),
    }
    return [defect for defect, is_found in found.items() if not is_found]


def needed():
    """What a deployment and its removal call, and for what."""
    called = {}
    for template in compiled():
        for type in {r["Type"] for r in template["Resources"].values()}:
            for name, handler in schemas().get(type, {}).items():
                if name != "list":  # of all such resources, which a deployment does not ask for
                    called |= {action: type for action in handler["permissions"]}
    called |= commands()[0]
    called |= {action: "osls" for action in OSLS}
    # The name under which a server's log has it, and no action.
    called.pop("s3:REST.PUT.OBJECT", None)
    return called


def commands():
    """What the operator's commands call, by their help, and what they call beside to delete data."""
    called, data = {}, {}
    for source in Path("deploy/presize").glob("*.go"):
        if source.name.endswith("_test.go") or source.name in OTHER_COMMANDS:
            continue
        for text in re.findall(r"IAM actions:(.*?)`", source.read_text(), re.S):
            text = " ".join(text.split()).replace("sts:GetCallerIdentity (needs no permission)", "")
            text, _, more = text.partition("with --data also")
            called |= {action: source.name for action in actions(text)}
            data |= {action: source.name for action in actions(more)}
    return called, data


def actions(text):
    return re.findall(r"\b[a-z0-9]+:[A-Z]\w+\b(?!\*)", text)


def compiled():
    return [json.loads(p.read_text()) for p in sorted(Path("build/deploy").glob("*/*-update-stack.json"))]


def schemas(found={}):
    """The handlers of every type."""
    if not found:
        for path in SCHEMAS.glob("*.json"):
            schema = json.loads(path.read_text())
            if "typeName" in schema:
                found[schema["typeName"]] = schema.get("handlers", {})
    return found


def several(value):
    return value if isinstance(value, list) else [value]


def matches(action, patterns):
    """Whether IAM, which ignores case, takes the action for one of the patterns."""
    return any(fnmatchcase(action.lower(), p.lower()) for p in patterns)


if __name__ == "__main__":
    sys.exit(main())
