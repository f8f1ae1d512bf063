"""Compares the deployer's policy with what a deployment calls, both ways.

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
SCHEMAS = Path(cfnlint.__file__).parent / "data/schemas/resources"

# What a schema lists for properties that presize does not set.
UNUSED = """
    ec2:* elasticfilesystem:* s3files:* s3tables:* firehose:* kms:CreateGrant kms:Encrypt kms:Decrypt kms:GenerateDataKey*
    kms:ReEncrypt*
    lambda:AssociateRuntimeAlias lambda:GetCodeSigningConfig lambda:PassCapacityProvider
    iam:AttachRolePolicy iam:DetachRolePolicy iam:*RolePermissionsBoundary
    cloudfront:*ConnectionGroup cloudfront:GetVpcOrigin
""".split()

# What osls calls beside.
# https://github.com/oss-serverless/osls/tree/main/lib/plugins/aws
OSLS = """
    cloudformation:CreateStack cloudformation:UpdateStack cloudformation:CreateChangeSet cloudformation:DescribeChangeSet
    cloudformation:ExecuteChangeSet cloudformation:DeleteChangeSet cloudformation:DescribeStacks
    cloudformation:DescribeStackEvents cloudformation:DescribeStackResource cloudformation:DescribeStackResources
    cloudformation:ListStackResources cloudformation:GetTemplate cloudformation:ValidateTemplate
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

# Removes the stack and its data, which is more than a deployment.
OTHER_COMMANDS = ("undeploy.go", "redrive.go", "backfill.go", "sweep.go", "status.go")


def main():
    statements = json.loads(POLICY.read_text())["Statement"]
    sids = [statement["Sid"] for statement in statements]
    repeated = {sid for sid in sids if sids.count(sid) > 1}  # IAM refuses the whole policy
    allowed = [
        action
        for statement in statements
        for action in (
            statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        )
    ]
    called = needed()
    failures = [
        f"{POLICY} does not allow {action}, for {reason}"
        for action, reason in sorted(called.items())
        if not matches(action, allowed) and not matches(action, UNUSED)
    ]
    failures += [f"{POLICY} has several statements with the Sid {sid}" for sid in sorted(repeated)]
    calls = [*called, *SERVICES, "cloudformation:DeleteStack", "cloudformation:UpdateTerminationProtection"]
    failures += [
        f"{POLICY} allows {pattern}, which nothing calls"
        for pattern in allowed
        if not any(fnmatchcase(c.lower(), pattern.lower()) for c in calls)
    ]
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"the deployer's policy: {len(called)} actions compared, {len(failures)} failures")
    return 1 if failures else 0


def needed():
    """What a deployment calls, and for what."""
    called = {}
    for types in (json.loads(p.read_text()) for p in Path("build/deploy").glob("*/*-update-stack.json")):
        for type in {r["Type"] for r in types["Resources"].values()}:
            for name, handler in schemas().get(type, {}).items():
                if name != "list":  # of all such resources, which a deployment does not ask for
                    called |= {action: type for action in handler["permissions"]}
    for source in Path("deploy/presize").glob("*.go"):
        if source.name.endswith("_test.go") or source.name in OTHER_COMMANDS:
            continue
        for text in re.findall(r"IAM actions:(.*?)`", source.read_text(), re.S):
            text = text.replace("sts:GetCallerIdentity (needs no permission)", "")
            called |= {action: source.name for action in re.findall(r"\b[a-z0-9]+:[A-Z]\w+", text)}
    called |= {action: "osls" for action in OSLS}
    # The name under which a server's log has it, and no action.
    called.pop("s3:REST.PUT.OBJECT", None)
    return called


def schemas(found={}):
    """The handlers of every type."""
    if not found:
        for path in SCHEMAS.glob("*.json"):
            schema = json.loads(path.read_text())
            if "typeName" in schema:
                found[schema["typeName"]] = schema.get("handlers", {})
    return found


def matches(action, patterns):
    """Whether IAM, which ignores case, takes the action for one of the patterns."""
    return any(fnmatchcase(action.lower(), p.lower()) for p in patterns)


if __name__ == "__main__":
    sys.exit(main())
