"""What the deployment promises, asked of the account through AWS's own APIs after the deployment.

These are checks of what only a deployment shows: the names, ARNs and bytes behind the template's references. The rules
in deploy/verify/*.go check everything that the template alone shows.
"""

import base64
import hashlib
import json
from pathlib import Path

from access import buckets, roles, uploads
from account import NUMBER, REGION
from botocore.exceptions import ClientError

ARCHIVES = {"api": "dist/api.zip", "worker": "dist/worker.zip", "notify": "dist/notify.zip", "layer": "dist/libvips-arm64.zip"}


def check(account, stack):
    """Returns a sentence for everything that is not as promised in the stack's resources."""
    deployed = Deployed(account, stack)
    for promise in (
        trigger,
        permissions,
        functions,
        failures,
        roles,
        buckets,
        uploads,
        distribution,
        http_api,
        alarms,
        events,
        logs,
        protection,
        outputs,
        records,
        budget,
    ):
        try:
            promise(deployed)
        except ClientError as err:
            deployed.failures.append(f"{promise.__name__}: {err}")
    return deployed.failures


class Deployed:
    """A stack's resources by their logical ids, and what was found about them."""

    def __init__(self, account, stack):
        self.client = account.client
        self.failures = []
        cloudformation = self.client("cloudformation")
        resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        # moto lists without an id what a condition has left out.
        self.ids = {
            r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources if "LogicalResourceId" in r
        }
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        self.protected = described.get("EnableTerminationProtection")
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in described["Outputs"]}
        template = cloudformation.get_template(StackName=stack)["TemplateBody"]
        self.parameters = {name: p.get("Default", "") for name, p in template["Parameters"].items()} | {
            p["ParameterKey"]: p["ParameterValue"] for p in described["Parameters"]
        }
        self.queue = self.client("sqs").get_queue_attributes(
            QueueUrl=self.ids["FailureQueue"], AttributeNames=["All"]
        )["Attributes"]
        self.work = self.client("sqs").get_queue_attributes(
            QueueUrl=self.ids["WorkQueue"], AttributeNames=["All"]
        )["Attributes"]
        self.distribution = self.client("cloudfront").get_distribution(Id=self.ids["Distribution"])["Distribution"]

    def want(self, holds, sentence):
        if not holds:
            self.failures.append(sentence)

    def function(self, name):
        function = self.ids[name.capitalize() + "LambdaFunction"]
        return self.client("lambda").get_function_configuration(FunctionName=function)

    def alias(self, name):
        """The ARN by which everything calls the function."""
        return self.ids[name.capitalize() + "Alias"]

    def invokers(self, name):
        """The statements that permit somebody to invoke the function, or a version or an alias of it."""
        try:
            answer = self.client("lambda").get_policy(FunctionName=self.function(name)["FunctionName"])
        except self.client("lambda").exceptions.ResourceNotFoundException:  # none at all
            return []
        return [
            s for s in json.loads(answer["Policy"])["Statement"] if s["Action"] == "lambda:InvokeFunction"
        ]

    def bucket(self, name):
        return self.ids[name.capitalize() + "Bucket"]


def trigger(d):
    told = d.client("s3").get_bucket_notification_configuration(Bucket=d.bucket("input"))
    queues = {n["QueueArn"] for n in told.get("QueueConfigurations", [])}
    d.want(
        queues == {d.work["QueueArn"]}, f"the input bucket must tell the worker's queue, tells {sorted(queues)}"
    )
    mappings = d.client("lambda").list_event_source_mappings(EventSourceArn=d.work["QueueArn"])
    functions = [m["FunctionArn"] for m in mappings["EventSourceMappings"]]
    d.want(functions == [d.alias("worker")], f"the worker's alias must get the messages of its queue, {functions} do")
    for name in ("output", "site"):
        told = d.client("s3").get_bucket_notification_configuration(Bucket=d.bucket(name))
        told.pop("ResponseMetadata")
        d.want(not told, f"the {name} bucket must tell nobody of anything")


def permissions(d):
    bucket, api = (
        f"arn:aws:s3:::{d.bucket('input')}",
        f"arn:aws:execute-api:{REGION}:{NUMBER}:{d.ids['HttpApi']}/",
    )

    def conditions(statement):
        return {key: value for test in statement.get("Condition", {}).values() for key, value in test.items()}

    senders = [
        conditions(s) for s in json.loads(d.work.get("Policy", '{"Statement": []}'))["Statement"] if s["Effect"] == "Allow"
    ]
    d.want(
        senders == [{"aws:SourceArn": bucket, "aws:SourceAccount": NUMBER}],
        f"only the input bucket of this account must be permitted to use the worker's queue, are {senders}",
    )
    d.want(not d.invokers("worker"), "nobody else must be permitted to invoke the worker")
    invokers = [(s["Resource"], conditions(s).get("AWS:SourceArn", "")) for s in d.invokers("api")]
    d.want(
        len(invokers) == 1 and invokers[0][0] == d.alias("api") and invokers[0][1].startswith(api),
        f"only the HTTP API must be permitted to invoke the alias of api, are {invokers}",
    )


def functions(d):
    for name in ("api", "worker"):
        f = d.function(name)
        variables = variables_of(f)
        d.want(f["CodeSha256"] == digest(name), f"the code of {name} must be {ARCHIVES[name]}")
        for variable, bucket in (("PRESIZE_INPUT_BUCKET", "input"), ("PRESIZE_OUTPUT_BUCKET", "output")):
            d.want(
                variables.get(variable) == d.bucket(bucket),
                f"{name}: {variable} must be the {bucket} bucket's name",
            )
        role = d.client("iam").get_role(RoleName=d.ids[name.capitalize() + "Role"])["Role"]
        d.want(f["Role"] == role["Arn"], f"{name} must have its own role, has {f['Role']}")
    worker = d.function("worker")
    layers = [layer["Arn"] for layer in worker.get("Layers", [])]
    d.want(
        layers == [d.ids["LibvipsLambdaLayer"]], f"worker must have this stack's libvips layer, has {layers}"
    )
    for arn in layers:
        name, _, version = arn.rpartition(":")
        content = d.client("lambda").get_layer_version(LayerName=name, VersionNumber=int(version))["Content"]
        d.want(content["CodeSha256"] == digest("layer"), f"the layer must be {ARCHIVES['layer']}")
    d.want(not d.function("api").get("Layers"), "api must need no layer")
    d.want(
        variables_of(worker).get("PRESIZE_DISTRIBUTION_ID") == d.distribution["Id"],
        "worker: PRESIZE_DISTRIBUTION_ID must be the distribution's id",
    )


def variables_of(function):
    return function.get("Environment", {}).get("Variables", {})


def digest(name):
    return base64.b64encode(hashlib.sha256(Path(ARCHIVES[name]).read_bytes()).digest()).decode()


def failures(d):
    redrive = json.loads(d.work.get("RedrivePolicy", "{}"))
    destination = redrive.get("deadLetterTargetArn", "nowhere")
    d.want(
        destination == d.queue["QueueArn"],
        f"an event that has failed must go to the failure queue, goes to {destination}",
    )
    d.want(
        variables_of(d.function("worker")).get("PRESIZE_WORK_QUEUE_URL") == d.ids["WorkQueue"],
        "worker: PRESIZE_WORK_QUEUE_URL must be the URL of its queue",
    )


def distribution(d):
    config = d.distribution["DistributionConfig"]
    domain = {
        "site": f"{d.bucket('site')}.s3.{REGION}.amazonaws.com",
        "output": f"{d.bucket('output')}.s3.{REGION}.amazonaws.com",
        "api": f"{d.ids['HttpApi']}.execute-api.{REGION}.amazonaws.com",
    }
    origins = {o["Id"]: o["DomainName"] for o in config["Origins"]["Items"]}
    d.want(origins == domain, f"the distribution's origins must be {domain}, are {origins}")
    secret = {
        h["HeaderName"]: h["HeaderValue"]
        for o in config["Origins"]["Items"]
        for h in o["CustomHeaders"].get("Items", [])
    }
    sent = d.parameters["OriginDigest" + d.parameters["SigningKey"].upper()]
    wanted = {"X-Origin-Secret": parameter(d, "origin-secret-" + d.parameters["SigningKey"])} if sent else {}
    d.want(secret == wanted, f"the distribution must send the secret of SSM to the API, sends {list(secret)}")
    aliases = config["Aliases"].get("Items", [])
    wanted = [d.parameters["Domain"]] if d.parameters["Domain"] else []
    d.want(aliases == wanted, f"the distribution must answer as {wanted}, answers as {aliases}")


def parameter(d, name):
    """A value of the stage in SSM."""
    stage = d.bucket("site").split("-")[1]
    return d.client("ssm").get_parameter(Name=f"/presize/{stage}/{name}")["Parameter"]["Value"]


def http_api(d):
    api = {"ApiId": d.ids["HttpApi"]}
    gateway = d.client("apigatewayv2")
    targets = {f"integrations/{i['IntegrationId']}": i for i in gateway.get_integrations(**api)["Items"]}
    routes = gateway.get_routes(**api)["Items"]
    d.want(
        "ANY /api/{proxy+}" in [r["RouteKey"] for r in routes], "the HTTP API must route ANY /api/{proxy+}"
    )
    for route in routes:
        integration = targets.get(route["Target"], {})
        d.want(
            integration.get("IntegrationUri") == d.alias("api") and integration["PayloadFormatVersion"] == "2.0",
            f"the route {route['RouteKey']} must lead to the alias of api as payload 2.0",
        )
    stages = gateway.get_stages(**api)["Items"]
    limited = [s["RouteSettings"].get("DELETE /api/{proxy+}", {}).get("ThrottlingRateLimit") for s in stages]
    d.want(all(limited), "the HTTP API must bound deletions")
    d.want(
        [s["StageName"] for s in stages if s["AutoDeploy"]] == ["$default"],
        "the HTTP API must deploy its one stage by itself",
    )


def alarms(d):
    watched = [
        a
        for a in d.client("cloudwatch").describe_alarms()["MetricAlarms"]
        if a.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        and a["Dimensions"] == [{"Name": "QueueName", "Value": d.queue["QueueArn"].rpartition(":")[2]}]
    ]
    d.want(
        [(a["ComparisonOperator"], a["Threshold"]) for a in watched] == [("GreaterThanThreshold", 0)],
        "there must be an alarm as soon as the failure queue is not empty",
    )


def events(d):
    """What tells the backend: all of it with the parameters, and nothing without."""
    bus, events, sqs = d.outputs.get("EventBusName"), d.client("events"), d.client("sqs")
    there = {id for id in d.ids if d.ids[id] and id.startswith(("EventBus", "Webhook", "Notify"))}
    if not d.parameters["WebhookUrl"]:
        d.want(not there, f"without events there must be nothing of them, are {sorted(there)}")
        d.want(bus is None, "without events there must be no bus")
        d.want(not variables_of(d.function("worker")).get("PRESIZE_EVENT_BUS"), "without events the worker must tell nobody")
        return
    d.want(variables_of(d.function("worker")).get("PRESIZE_EVENT_BUS") == bus, f"the worker must tell the bus {bus}")
    notify, queue, dead = d.function("notify"), d.ids["WebhookQueue"], d.ids["WebhookFailureQueue"]
    arn = {q: sqs.get_queue_attributes(QueueUrl=q, AttributeNames=["All"])["Attributes"] for q in (queue, dead)}
    rules = events.list_rules(EventBusName=bus)["Rules"]
    d.want([json.loads(r["EventPattern"]) for r in rules] == [{"source": ["presize"]}], "one rule must send all events")
    for rule in rules:
        targets = events.list_targets_by_rule(EventBusName=bus, Rule=rule["Name"])["Targets"]
        d.want(
            [(t["Arn"], t["DeadLetterConfig"]["Arn"]) for t in targets] == [(arn[queue]["QueueArn"], arn[dead]["QueueArn"])],
            "the rule must send to the queue of webhooks, and what fails to that of failures",
        )
    redrive = json.loads(arn[queue]["RedrivePolicy"])
    d.want(redrive["deadLetterTargetArn"] == arn[dead]["QueueArn"], "failed webhooks must go to their queue of failures")
    source = arn[queue]["QueueArn"]
    mappings = d.client("lambda").list_event_source_mappings(EventSourceArn=source)["EventSourceMappings"]
    receivers = [m["FunctionArn"] for m in mappings]
    d.want(receivers == [d.alias("notify")], f"the alias of notify must receive from the queue of webhooks, does {receivers}")
    d.want(notify["CodeSha256"] == digest("notify"), f"the code of notify must be {ARCHIVES['notify']}")
    variables = variables_of(notify)
    d.want(
        (variables["PRESIZE_WEBHOOK_URL"], variables["PRESIZE_WEBHOOK_QUEUE"]) == (d.parameters["WebhookUrl"], queue),
        "notify must send what is in its queue to the URL of the parameter",
    )


def logs(d):
    for name in ("api", "worker"):
        group = f"/aws/lambda/{d.function(name)['FunctionName']}"
        found = d.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        d.want(
            [g.get("retentionInDays", 0) > 0 for g in found if g["logGroupName"] == group] == [True],
            f"{group} must be there, and forget",
        )


def protection(d):
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html
    d.want(d.protected is True, "the stack must be protected from deletion")


def outputs(d):
    domain = d.parameters["Domain"] or d.distribution["DomainName"]
    for name, value in {
        "SiteUrl": f"https://{domain}",
        "ApiUrl": f"https://{domain}/api/v1",
        "InputBucketName": d.bucket("input"),
        "OutputBucketName": d.bucket("output"),
        "SiteBucketName": d.bucket("site"),
        "DistributionId": d.distribution["Id"],
        "DistributionDomainName": d.distribution["DomainName"],
        "WorkQueueUrl": d.ids["WorkQueue"],
        "FailureQueueUrl": d.ids["FailureQueue"],
        "EventBusName": d.ids.get("EventBus"),
        "WebhookFailureQueueUrl": d.ids.get("WebhookFailureQueue"),
    }.items():
        d.want(d.outputs.get(name) == value, f"the output {name} must be {value}, is {d.outputs.get(name)}")


def records(d):
    zone = d.parameters["HostedZoneId"]
    if not zone:
        return
    sets = d.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    led = sorted(
        r["Type"]
        for r in sets
        if r["Name"].rstrip(".") == d.parameters["Domain"]
        and r.get("AliasTarget", {}).get("DNSName", "").rstrip(".") == d.distribution["DomainName"]
    )
    d.want(led == ["A", "AAAA"], f"the domain must lead to the distribution by A and AAAA, does by {led}")


def budget(d):
    if not d.parameters["MonthlyBudget"]:
        return
    kept = d.client("budgets").describe_budget(AccountId=NUMBER, BudgetName=d.ids["Budget"])["Budget"]
    d.want(
        float(kept["BudgetLimit"]["Amount"]) == float(d.parameters["MonthlyBudget"]),
        f"the budget must be {d.parameters['MonthlyBudget']}, is {kept['BudgetLimit']}",
    )
