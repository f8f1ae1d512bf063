"""Deploys presize to an AWS account on loopback, and checks the result.

It runs in the repository's root after deploy/verify has packaged, and ends with status 1 if anything is not as
promised. Nothing it starts outlives it, and nothing leaves this machine.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from account import Account
from commands import PRESIZE, command, expect, osls, presize
from defects import defects
from kinds import KINDS
from promises import Deployed, check, variables_of
from recipe import STAGE, deploy_by_make, make, refused_without_file, stage_file

PACKAGES = Path("build/deploy")  # where deploy/verify has packaged each set of parameters

ORIGIN_SECRET = "of-the-stage-prod"  # as `presize keys` makes one

# What of the template moto does not do, and the check in deploy/verify/*.go that looks at it instead.
CHECKED = {
    ("AWS::CloudFront::CachePolicy", "cloudfront.create_cache_policy"): "checkBehaviors",
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig.CacheBehaviors.Items[].FunctionAssociations",
    ): "checkFunction",
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig.DefaultCacheBehavior.FunctionAssociations",
    ): "checkFunction",
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig.Origins.Items[].OriginAccessControlId",
    ): "checkOrigins",
    ("AWS::CloudFront::Distribution", "DistributionConfig.Origins.Items[].S3OriginConfig"): "checkOrigins",
    ("AWS::CloudFront::Function", "cloudfront.publish_function"): "checkFunction",
    ("AWS::CloudFront::KeyGroup", "cloudfront.delete_key_group"): "checkPrivate",
    ("AWS::CloudFront::ResponseHeadersPolicy", "cloudfront.create_response_headers_policy"): "checkHeaders",
    ("AWS::Lambda::Function", "LoggingConfig"): "checkFunctions",
    ("AWS::S3::Bucket", "s3.put_bucket_logging"): "checkAccessLogs",
}


def main():
    account = Account(KINDS)
    failures = []
    dev, prod = "presize-dev", "presize-prod"
    subprocess.run(["go", "build", "-o", PRESIZE, "./deploy/presize"], check=True)
    osls(account, "deploy", "--package", PACKAGES / "plain")
    failures += look(account, dev, "deployed")
    first = Deployed(account, dev).ids
    failures += publish(account, dev)
    # The same keys and secrets as in the package: with other ones there is no way back.
    osls(account, "deploy", "--param=logRetentionDays=5", "--param=maxFrames=7", "--param=signingKeyA=MIIBIjANBg,AQAB")
    failures += look(account, dev, "deployed again")
    if Deployed(account, dev).ids != first:
        failures.append("a second deployment must replace nothing")
    failures += go_live(account, dev)
    failures += roll_back(account, dev)
    failures += operate(account, dev)
    failures += redrive(account, dev)
    failures += stand_alone(account, prod)
    for value in ("of-before", ORIGIN_SECRET):  # "every" asks for the second version
        account.client("ssm").put_parameter(Name="/presize/prod/origin-secret-b", Value=value, Type="String", Overwrite=True)
    osls(account, "deploy", "--stage", "prod", "--package", PACKAGES / "every")
    failures += look(account, prod, "every parameter set")
    command(account, "prod", "publish")
    failures += copy_rules(account, prod)
    failures += redrive_webhooks(account, prod)
    failures += drop(account, prod)
    made = f"presize-{STAGE}"
    with stage_file():
        failures += deploy_by_make(account)
        failures += look(account, made, "deployed by make")
        failures += remove(account, made)
    failures += look(account, prod, "the other stage removed")
    if not failures:  # else it can't be told who is to blame
        failures += plant(account, prod)
    failures += report(account) + list(dict.fromkeys(account.refused))
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def publish(account, stack):
    """Publishes the page, twice, and looks at what is in the bucket and what the CDN was told."""
    deployed, stage = Deployed(account, stack), stack.removeprefix("presize-")
    s3, bucket, distribution = account.client("s3"), deployed.bucket("site"), deployed.outputs["DistributionId"]
    command(account, stage, "check")
    first, second = command(account, stage, "publish"), command(account, stage, "publish")
    orders = account.client("cloudfront").list_invalidations(DistributionId=distribution)["InvalidationList"]
    embedded = re.findall(r"^//go:embed (.*)$", Path("web/web.go").read_text(), re.MULTILINE)
    files = {name: Path("web", name).read_bytes() for line in embedded for name in line.split()}
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    index = s3.get_object(Bucket=bucket, Key="index.html")
    promises = {
        "all files of the page must be in the site bucket, and nothing else": sorted(keys) == sorted(files),
        "index.html must be published as it is": index["Body"].read() == files["index.html"],
        "index.html must be published as HTML": index["ContentType"] == "text/html; charset=utf-8",
        "browsers must ask for index.html anew": "max-age=0" in index["CacheControl"],
        "the page's URL must be printed": first.splitlines()[-1] == deployed.outputs["SiteUrl"],
        "the same page must not be published again": second.startswith("the page is up to date\n"),
        "the CDN must be told once what to forget": orders["Quantity"] == 1,
    }
    failures = [promise for promise, holds in promises.items() if not holds]
    print(f"{stack}, page published: {len(failures)} promises broken", flush=True)
    return [f"{stack}, page published: {f}" for f in failures]


def live(account, stack):
    """What everything calls: the configuration of the version to which each alias points, by the function's name."""
    deployed = Deployed(account, stack)
    return {
        name: account.client("lambda").get_function_configuration(FunctionName=deployed.alias(name))
        for name in ("api", "worker", "notify")
        if deployed.ids.get(name.capitalize() + "Alias")
    }


def go_live(account, stack):
    """Publishes the second deployment, which allows fewer frames."""
    stage = stack.removeprefix("presize-")
    before = live(account, stack)
    done = json.loads(command(account, stage, "publish", "--json"))
    after = live(account, stack)
    promises = {
        "a deployment must not be live before it is published": "PRESIZE_MAX_FRAMES" not in variables_of(before["worker"]),
        "publish must make every setting live": variables_of(after["worker"]).get("PRESIZE_MAX_FRAMES") == "7",
        "publish must tell which versions are live": done["versions"] == numbers(after),
        "a deployment must be live by versions of its own": all(
            after[name]["Version"] not in ("$LATEST", before[name]["Version"]) for name in after
        ),
    }
    failures = [promise for promise, holds in promises.items() if not holds]
    print(f"{stack}, live: {len(failures)} promises broken", flush=True)
    return [f"{stack}, live: {f}" for f in failures]


def numbers(configurations):
    return {c["FunctionName"]: c["Version"] for c in configurations.values()}


def operate(account, stack):
    """Looks after an upload whose worker has never run: backfill, status and sweep."""
    deployed, stage, s3 = Deployed(account, stack), stack.removeprefix("presize-"), account.client("s3")
    id = "mzxw6ytboi2gk3tdmuqhg5dbna"
    original, stray = f"originals/{id}", f"i/{id}/01234567/320.jpg"
    s3.put_object(Bucket=deployed.bucket("input"), Key=original, Body=b"photo", ContentType="image/jpeg")
    s3.put_object(Bucket=deployed.bucket("output"), Key=stray, Body=b"variant")
    # Of moto, S3 puts its events in the queue, and only messages that somebody sends are handed to the worker.
    account.client("sqs").purge_queue(QueueUrl=deployed.ids["WorkQueue"])
    account.invoked.clear()
    dry = command(account, stage, "backfill", "--dry-run")
    untouched = not account.invoked
    filled = json.loads(command(account, stage, "backfill", "--json"))
    status = json.loads(command(account, stage, "status", id, "--json"))
    spared = json.loads(command(account, stage, "sweep", "--json"))
    swept = json.loads(command(account, stage, "sweep", "--older-than", "0s", "--json"))
    told = [json.loads(r["body"]) for _, e, _ in account.invoked for r in e["Records"]]
    objects = [e["Records"][0]["s3"]["object"]["key"] for e in told]
    promises = {
        "a dry backfill must list the upload and queue nothing": dry.startswith(f"{id} missing\n") and untouched,
        "the queue must invoke the version of the worker that is live": [(name, v) for name, _, v in account.invoked]
        == [(stack + "-worker", live(account, stack)["worker"]["Version"])],
        "backfill must name the original": objects == [original],
        "backfill must count what it did": (filled["seen"], filled["queued"]) == (1, 1),
        "backfill must leave no checkpoint": not list(Path(".").glob("backfill-*.json")),
        "status must tell the state": (status["state"], status["manifest"]) == ("missing", None),
        "sweep must spare what is young": (spared["removed"], spared["young"]) == (0, 1),
        "sweep must remove what is old": swept["removed"] == 1,
        "what is swept must be gone": "Contents" not in s3.list_objects_v2(Bucket=deployed.bucket("output")),
    }
    failures = [promise for promise, holds in promises.items() if not holds]
    print(f"{stack}, looked after: {len(failures)} promises broken", flush=True)
    return [f"{stack}, looked after: {f}" for f in failures]


def redrive(account, stack):
    """Redrives an event one by one. moto has no tasks that move messages; the tests of deploy/presize have them."""
    sqs, queue, stage = account.client("sqs"), Deployed(account, stack).ids["FailureQueue"], stack.removeprefix("presize-")
    id = "mzxw6ytboi2gk3tdmuqhg5dbna"
    event = {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": "b"}, "object": {"key": f"originals/{id}"}},
            }
        ]
    }
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    account.invoked.clear()
    dry = command(account, stage, "redrive", "--dry-run")
    untouched = not account.invoked
    done = json.loads(command(account, stage, "redrive", "--older-than", "1ns", "--json"))
    told = [json.loads(r["body"]) for _, e, _ in account.invoked for r in e["Records"]]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    promises = {
        f"a dry redrive must tell what waits and why, and move nothing: {dry}": dry.startswith(id + "  ")
        and "missing" in dry
        and untouched,
        "a redrive must count what it did": done["redriven"] == 1,
        "a redrive must bring the event back to the worker": told == [event],
        "what is redriven must have left the failure queue": set(left.values()) == {"0"},
    }
    failures = [promise for promise, holds in promises.items() if not holds]
    print(f"{stack}, redriven: {len(failures)} promises broken", flush=True)
    return [f"{stack}, redriven: {f}" for f in failures]


def redrive_webhooks(account, stack):
    """Redrives a webhook that could not be delivered."""
    stage, queues = stack.removeprefix("presize-"), Deployed(account, stack).ids
    event = {"source": "presize", "detail-type": "image.ready", "detail": {"id": "mzxw6ytboi2gk3tdmuqhg5dbna", "eventId": "a.b.ready"}}
    account.client("sqs").send_message(QueueUrl=queues["WebhookFailureQueue"], MessageBody=json.dumps(event))
    account.invoked.clear()
    dry = command(account, stage, "redrive", "--webhooks", "--dry-run")
    untouched = not account.invoked
    done = json.loads(command(account, stage, "redrive", "--webhooks", "--older-than", "1ns", "--json"))
    told = [json.loads(r["body"]) for name, e, _ in account.invoked if name.endswith("-notify") for r in e["Records"]]
    promises = {
        "a dry redrive must list the webhook and move nothing": "a.b.ready" in dry and untouched,
        "a redrive must count what it did": done["redriven"] == 1,
        "a redrive must bring the webhook back to notify": told == [event],
    }
    failures = [promise for promise, holds in promises.items() if not holds]
    print(f"{stack}, webhooks redriven: {len(failures)} promises broken", flush=True)
    return [f"{stack}, webhooks redriven: {f}" for f in failures]


def roll_back(account, stack):
    """Goes back to the first deployment, which keeps logs for longer and allows more frames, and no further."""

    def retention():
        groups = account.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/" + stack)["logGroups"]
        return {group["retentionInDays"] for group in groups}

    stage = stack.removeprefix("presize-")
    second, left = retention(), live(account, stack)
    done = json.loads(command(account, stage, "rollback", "--json").splitlines()[-1])
    failures = look(account, stack, "rolled back")
    promises = {
        "the second deployment must change how long logs are kept": second == {5},
        "a rollback must bring the first deployment back": retention() == {30},
        "a rollback must bring the functions of the first deployment back": "PRESIZE_MAX_FRAMES"
        not in variables_of(live(account, stack)["worker"]),
        "a rollback must move the aliases first": done["seconds"] > 0,
        "a rollback must tell which versions are live": done["versions"] == numbers(live(account, stack)),
        "a rollback must keep the versions of the deployment that it leaves": all(
            account.client("lambda").get_function_configuration(FunctionName=f, Qualifier=version)["Version"] == version
            for f, version in numbers(left).items()
        ),
        "a rollback must tell where it goes": done["to"] < done["from"],
        "there must be nothing before the first deployment": "no deployment before"
        in presize(account, stage, "rollback").stderr,
    }
    return failures + [f"{stack}, rolled back: {p}" for p, holds in promises.items() if not holds]


def stand_alone(account, stack):
    """Deploys dist/cloudformation.json as deploy/README.md says, without osls, and then the next release."""
    cloudformation, s3, stage = account.client("cloudformation"), account.client("s3"), stack.removeprefix("presize-")
    keys = json.loads(command(account, stage, "keys", "--json"))
    s3.create_bucket(Bucket="archives")

    def release(change, prefix, archive, **how):
        for path in Path("dist").glob("*.zip"):
            s3.put_object(Bucket="archives", Key=prefix + path.name, Body=archive(path))
        s3.put_object(Bucket="archives", Key=prefix + "cloudformation.json", Body=Path("dist/cloudformation.json").read_bytes())
        own = {"CodeBucket": "archives", "CodePrefix": prefix}
        change(
            StackName=stack,
            TemplateURL=f"https://s3.amazonaws.com/archives/{prefix}cloudformation.json",
            Parameters=keys + [{"ParameterKey": name, "ParameterValue": value} for name, value in own.items()],
            Capabilities=["CAPABILITY_IAM"],
            **how,
        )

    release(cloudformation.create_stack, "presize/1/", lambda path: b"of the release before", EnableTerminationProtection=True)
    before = [f for f in check(account, stack) if "must be dist/" in f]
    release(cloudformation.update_stack, "presize/2/", Path.read_bytes)
    failures = look(account, stack, "deployed without osls")
    if len(before) < 3:
        failures.append(f"the first release must have archives of its own, only {before} tell")
    buckets = [Deployed(account, stack).bucket(name) for name in ("input", "output", "site")]
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName=stack)
    for bucket in buckets:
        s3.delete_bucket(Bucket=bucket)
    return failures


def drop(account, stack):
    """Checks the next deployment of a stage with its file, and without it: that would drop every parameter."""
    stage = stack.removeprefix("presize-")
    ssm, secret = account.client("ssm"), f"/presize/{stage}/webhook-secret"
    secretless = presize(account, stage, "check", "--param=webhookUrl=https://backend.example/")
    ssm.put_parameter(Name=secret, Value="whsec_" + "k" * 43 + "=", Type="SecureString")
    template = json.loads((PACKAGES / "every/cloudformation-template-update-stack.json").read_text())
    own = {n: v for n, v in template["Metadata"]["presize"]["parameters"].items() if not n.startswith(("signingKey", "originDigest", "originVersion", "chosen"))}
    own["inspectorArn"] = Deployed(account, stack).function("worker")["FunctionArn"]  # any existing function
    with tempfile.TemporaryDirectory() as checkout:
        for file in ("serverless.yml", "deploy/template/parameters.yml"):
            copy = Path(checkout, file)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(Path(file).read_bytes())
        without = presize(account, stage, "check", checkout=checkout)
        file = Path(checkout, "deploy/stages", f"{stage}.yml")
        file.parent.mkdir()
        file.write_text(json.dumps(own))  # JSON is YAML
        arguments = expect(account, presize(account, stage, "parameters", checkout=checkout)).stdout
        beside = presize(account, stage, "check", checkout=checkout)
        wrong = presize(account, stage, "check", "--param", "certificateArn=", "--param=grantSeconds=7200", checkout=checkout)
    promises = {
        "a stage file must become osls's arguments": sorted(arguments.splitlines())
        == sorted(f"--param={name}={value}" for name, value in own.items()),
        "a webhook without its secret must be refused": secretless.returncode != 0 and secret in secretless.stderr,
        "what make deploy has chosen need not be set": "heldAnswers" not in without.stderr,
        "a deployment with the stage's file must be ready": beside.returncode == 0,
        "contradictions must be told before anything is built": wrong.returncode != 0
        and "domain and certificateArn" in wrong.stderr
        and "grantSeconds" in wrong.stderr,
    } | {
        f"a deployment that would drop {name} must be refused by name": without.returncode != 0
        and f"\n  {name}: " in without.stderr
        for name in own
        if name != "heldAnswers"
    }
    failures = [promise for promise, holds in promises.items() if not holds]
    print(f"{stack}, deployed with a stage file: {len(failures)} promises broken", flush=True)
    return [f"{stack}, deployed with a stage file: {f}" for f in failures]


def copy_rules(account, stack):
    """Deploys the rules of deploy/examples beside the stack, and puts events on its bus.

    moto delivers to queues only: of the other two rules the targets are looked at. What is in the queue of webhooks
    it gives to the function at once.
    """
    bus, name = Deployed(account, stack).outputs["EventBusName"], "images-to-backend"
    function, url = Deployed(account, stack).function("notify")["FunctionArn"], "https://backend.example/events"
    values = {"Bus": bus, "FunctionArn": function, "Url": url, "Key": "key"}  # any function
    cloudformation, events, sqs = account.client("cloudformation"), account.client("events"), account.client("sqs")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=Path("deploy/examples/rules.yml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
    account.invoked.clear()
    entry = {"EventBusName": bus, "Source": "presize", "Detail": json.dumps({"preset": "photo"})}
    failed = [
        events.put_events(Entries=[{**entry, "DetailType": kind}])["FailedEntryCount"]
        for kind in ("image.ready", "image.complete")
    ]

    messages = sqs.receive_message(QueueUrl=ids["Queue"], MaxNumberOfMessages=10).get("Messages", [])
    queued = [json.loads(m["Body"])["detail-type"] for m in messages]
    webhooks = [json.loads(r["body"])["detail-type"] for _, event, _ in account.invoked for r in event["Records"]]
    destination = events.describe_api_destination(Name=ids["Destination"])
    dead = sqs.get_queue_attributes(QueueUrl=ids["DeadLetters"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    targets = {}
    for rule in events.list_rules(EventBusName=bus)["Rules"]:
        for target in events.list_targets_by_rule(EventBusName=bus, Rule=rule["Name"])["Targets"]:
            if target["DeadLetterConfig"]["Arn"] == dead:
                targets[target["Id"]] = target["Arn"], json.loads(rule["EventPattern"])
    promises = {
        "the bus must take events": failed == [0, 0],
        f"the queue must get what its rule names, gets {queued}": queued == ["image.ready"],
        f"notify must get every event, gets {webhooks}": sorted(webhooks) == ["image.complete", "image.ready"],
        "the function must get its preset": targets.get("function")
        == (function, {"source": ["presize"], "detail": {"preset": ["avatar"]}}),
        "the URL must get every event": targets.get("url") == (destination["ApiDestinationArn"], {"source": ["presize"]}),
        "the destination must be the URL": destination["InvocationEndpoint"] == url,
        "each rule must have a dead-letter queue": sorted(targets) == ["function", "queue", "url"],
    }
    cloudformation.delete_stack(StackName=name)
    failures = [promise for promise, holds in promises.items() if not holds]
    print(f"{stack}, rules copied: {len(failures)} promises broken", flush=True)
    return [f"{stack}, rules copied: {f}" for f in failures]


def look(account, stack, when):
    failures = check(account, stack)
    print(
        f"{stack}, {when}: {len(Deployed(account, stack).ids)} resources, {len(failures)} promises broken",
        flush=True,
    )
    return [f"{stack}, {when}: {f}" for f in failures]


def remove(account, stack):
    """Removes the stack and looks at what is left: the buckets, with what is in them. Then removes these too."""
    s3, before, stage = account.client("s3"), Deployed(account, stack), stack.removeprefix("presize-")
    kept = [before.bucket(name) for name in ("input", "output", "site")]
    for bucket in kept:
        s3.put_object(Bucket=bucket, Key="kept", Body=b"kept")
    # An event waits in one queue only: what S3 has sent, as when its notification was set up, moto hands to nobody.
    account.client("sqs").purge_queue(QueueUrl=before.ids["WorkQueue"])
    account.client("sqs").send_message(QueueUrl=before.ids["FailureQueue"], MessageBody="{}")
    refused = presize(account, stage, "undeploy", answer=stage + "\n")
    promises = {
        "events that wait must be told by their queue": "FailureQueue, 1 event: 1 visible, 0 in flight, 0 delayed" in refused.stdout,
        "a stack whose queues have events must stay": refused.returncode != 0 and "--abandon-queues" in refused.stderr,
    }
    given_up = json.loads(command(account, stage, "undeploy", "--abandon-queues", "--json", answer=stage + "\n"))
    promises["events that are given up must be counted"] = [(q["queue"], q["visible"]) for q in given_up["abandoned"]] == [
        ("FailureQueue", 1)
    ]
    buckets = [b["Name"] for b in s3.list_buckets()["Buckets"]]
    failures = [promise for promise, holds in promises.items() if not holds]
    failures += [
        f"{b} must outlive its stack"
        for b in kept
        if b not in buckets or "Contents" not in s3.list_objects_v2(Bucket=b)
    ]
    left = {
        "function": [f["FunctionName"] for f in account.client("lambda").list_functions()["Functions"]],
        "role": [r["RoleName"] for r in account.client("iam").list_roles()["Roles"]],
        "log group": [g["logGroupName"] for g in account.client("logs").describe_log_groups()["logGroups"]],
        "queue": account.client("sqs").list_queues().get("QueueUrls", []),
        "alarm": [a["AlarmName"] for a in account.client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "HTTP API": [a["ApiId"] for a in account.client("apigatewayv2").get_apis()["Items"]],
        "distribution": [
            d["Id"]
            for d in account.client("cloudfront").list_distributions()["DistributionList"].get("Items", [])
        ],
        "bucket": [b for b in buckets if b not in kept],
    }
    ids = set(before.ids.values())
    failures += [
        f"the {what} {name} must be removed with its stack"
        for what, names in left.items()
        for name in names
        if name in ids
    ]
    failures += come_back(account, stack, kept)
    command(account, stage, "undeploy", "--data", answer=stage + "\n")
    buckets = [b["Name"] for b in s3.list_buckets()["Buckets"]]
    failures += [f"{b} must be deleted where that is asked for" for b in kept if b in buckets]
    print(f"{stack}, removed: {len(failures)} promises broken", flush=True)
    return failures


def come_back(account, stack, kept):
    """Deploys the stage again, over the buckets that it has left behind."""
    s3, stage = account.client("s3"), stack.removeprefix("presize-")
    failures = refused_without_file(account)
    plan = command(account, stage, "check")
    adopted = json.loads(command(account, stage, "adopt", "--json"))
    again = json.loads(command(account, stage, "adopt", "--json"))
    make(account, "deploy")
    failures += look(account, stack, "deployed over its buckets")
    ids = Deployed(account, stack).ids.values()
    promises = {
        "check must tell which buckets are taken over": all(f"take over the bucket {b}," in plan for b in kept),
        "adopt must take over every bucket": sorted(adopted["buckets"]) == sorted(kept),
        "adopt must do nothing where there is a stack": again["buckets"] == [],
        "the stack must have the buckets": all(b in ids for b in kept),
        "what is in the buckets must stay": all(
            s3.get_object(Bucket=b, Key="kept")["Body"].read() == b"kept" for b in kept[:2]  # the third has the page only
        ),
    }
    return failures + [f"deployed over its buckets: {p}" for p, holds in promises.items() if not holds]


def plant(account, stack):
    """Plants one defect after the other in the stack. Each must be told of."""
    failures, count = [], 0
    for defect, sentence in defects(Deployed(account, stack)):
        defect()
        count += 1
        if not any(sentence in f for f in check(account, stack)):
            failures.append(f"nothing says {sentence!r} of a stack of which it is true")
    print(f"{stack}: {count - len(failures)} of {count} planted defects found", flush=True)
    return failures


def report(account):
    """Prints what moto lacks and what checks it instead; each of these must be there."""
    failures, checks = [], "".join(path.read_text() for path in Path("deploy/verify").glob("*.go"))
    print("not in moto, checked on the template:")
    for type, what in sorted(account.lacks):
        name = CHECKED.get((type, what), "nothing")
        print(f"  {type}: {what}: {name}")
        if f"func {name}(" not in checks:
            failures.append(
                f"{type}: {what} is neither in moto nor checked on the template: name its check in CHECKED"
            )
    return failures


if __name__ == "__main__":
    sys.exit(main())
