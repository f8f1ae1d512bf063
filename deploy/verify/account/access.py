"""Who may do what in the deployed account: the roles, and the buckets' policies and CORS."""

import json
from fnmatch import fnmatchcase

from account import NUMBER, REGION


def roles(d):
    original = f"arn:aws:s3:::{d.bucket('input')}/originals/x"
    manifest, variant = (
        f"arn:aws:s3:::{d.bucket('output')}/i/x/{key}" for key in ("manifest.json", "rev/640.webp")
    )
    log = f"arn:aws:logs:{REGION}:{NUMBER}:log-group:"
    distribution, queue = d.distribution["ARN"], d.work["QueueArn"]
    expected = {
        "Api": {
            "may": [
                ("s3:PutObject", original),
                ("s3:GetObject", original),
                ("s3:DeleteObject", original),
                ("s3:GetObject", manifest),
                ("logs:PutLogEvents", f"{log}{d.ids['ApiLogGroup']}:*"),
            ],
            "not": [
                ("s3:PutObject", manifest),
                ("s3:GetObject", variant),
                ("s3:PutObject", original.replace("originals", "x")),
            ],
        },
        "Worker": {
            "may": [
                ("s3:GetObject", original),
                ("s3:PutObject", variant),
                ("s3:PutObject", manifest),
                ("s3:DeleteObject", variant),
                ("cloudfront:CreateInvalidation", distribution),
                ("sqs:ReceiveMessage", queue),
                ("sqs:ChangeMessageVisibility", queue),
                ("sqs:SendMessage", queue),
                ("logs:PutLogEvents", f"{log}{d.ids['WorkerLogGroup']}:*"),
            ],
            "not": [
                ("s3:PutObject", original),
                ("s3:DeleteObject", original),
                ("s3:PutObject", variant.replace("/i/", "/x/")),
                ("cloudfront:CreateInvalidation", distribution + "X"),
                ("sqs:SendMessage", queue + "X"),
            ],
        },
    }
    for name, cases in expected.items():
        statements = policy(d, d.ids[name + "Role"])
        for action, resource in cases["may"]:
            d.want(
                allows(statements, action, resource),
                f"the role of {name.lower()} must allow {action} on {resource}",
            )
        for action, resource in cases["not"]:
            d.want(
                not allows(statements, action, resource),
                f"the role of {name.lower()} must not allow {action} on {resource}",
            )


def policy(d, role):
    """All statements of the role, which Lambda alone must be able to assume."""
    iam = d.client("iam")
    described = iam.get_role(RoleName=role)["Role"]
    trusted = described["AssumeRolePolicyDocument"]["Statement"]
    boundary = described.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    d.want(boundary == d.parameters["PermissionsBoundary"], f"{role} must have the boundary by parameter, has {boundary!r}")
    d.want(
        [s["Principal"] for s in trusted] == [{"Service": "lambda.amazonaws.com"}],
        f"Lambda alone must assume {role}",
    )
    d.want(
        not iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"],
        f"{role} must have no managed policy",
    )
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return [s for document in documents for s in document["Statement"]]


def allows(statements, action, resource):
    return any(
        s["Effect"] == "Allow"
        and action in several(s["Action"])
        and any(fnmatchcase(resource, r) for r in several(s["Resource"]))
        for s in statements
    )


def several(value):
    return value if isinstance(value, list) else [value]


def buckets(d):
    s3 = d.client("s3")
    for name in ("input", "output", "site"):
        bucket = d.bucket(name)
        private = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        d.want(len(private) == 4 and all(private.values()), f"the {name} bucket must block all public access")
        arn, statements = (
            f"arn:aws:s3:::{bucket}",
            json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"],
        )
        d.want(
            any(
                s["Effect"] == "Deny"
                and s["Principal"] == "*"
                and s["Action"] == "s3:*"
                and s["Resource"] == [arn, arn + "/*"]
                and s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
                for s in statements
            ),
            f"the {name} bucket must refuse plain HTTP",
        )
        let_in = [s for s in statements if s["Effect"] == "Allow"]
        d.want(
            all(
                s["Principal"] == {"Service": "cloudfront.amazonaws.com"}
                and s["Condition"] == {"StringEquals": {"aws:SourceArn": d.distribution["ARN"]}}
                for s in let_in
            ),
            f"the {name} bucket must let nobody in but the distribution {d.distribution['ARN']}",
        )
        key = {"output": "/i/x/manifest.json", "site": "/index.html"}.get(name)
        d.want(
            allows(let_in, "s3:GetObject", arn + key) if key else not let_in,
            f"the {name} bucket must let the distribution read {key or 'nothing'}",
        )


def uploads(d):
    site = d.outputs["SiteUrl"]
    origins = [o for o in (site, *d.parameters.get("AllowedOrigins", "").split(",")) if o]
    rules = d.client("s3").get_bucket_cors(Bucket=d.bucket("input"))["CORSRules"]
    allowed = [o for rule in rules for o in rule["AllowedOrigins"]]
    d.want(allowed == origins, f"uploads must be taken from {origins}, are from {allowed}")
