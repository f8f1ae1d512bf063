"""Defects to plant in a deployed stack, each with what must then be said of it."""

import json


def defects(d):
    """Yields what plants a defect in what is deployed, and a part of the sentence that must name it."""
    s3, lambda_, iam, worker = d.client("s3"), d.client("lambda"), d.client("iam"), d.function("worker")
    name = worker["FunctionName"]

    yield (
        lambda: s3.put_bucket_notification_configuration(Bucket=d.bucket("input"), NotificationConfiguration={}),
        "the input bucket must tell the worker's queue, tells []",
    )

    def queue(**attributes):
        return lambda: d.client("sqs").set_queue_attributes(QueueUrl=d.ids["WorkQueue"], Attributes=attributes)

    nobody = json.dumps({"Version": "2012-10-17", "Statement": []})
    yield (
        queue(Policy=nobody),
        "only the input bucket of this account must be permitted to use the worker's queue, are []",
    )

    gateway, api = d.client("apigatewayv2"), {"ApiId": d.ids["HttpApi"]}
    (integration,) = gateway.get_integrations(**api)["Items"]
    yield (
        lambda: gateway.update_integration(
            **api, IntegrationId=integration["IntegrationId"], IntegrationUri=d.function("api")["FunctionArn"]
        ),
        "the route ANY /api/{proxy+} must lead to the alias of api",
    )

    def unlimited():
        gateway.delete_stage(**api, StageName="$default")
        gateway.create_stage(**api, StageName="$default", AutoDeploy=True)

    yield unlimited, "the HTTP API must bound deletions"

    def swap_layer():
        other = lambda_.publish_layer_version(LayerName="other", Content={"ZipFile": b"other"})
        lambda_.update_function_configuration(FunctionName=name, Layers=[other["LayerVersionArn"]])

    yield swap_layer, "the layer must be dist/libvips-arm64.zip"
    yield (
        lambda: lambda_.update_function_configuration(FunctionName=name, Layers=[]),
        "worker must have this stack's libvips layer, has []",
    )
    yield (
        lambda: lambda_.update_function_configuration(FunctionName=name, Environment={"Variables": {}}),
        "worker: PRESIZE_OUTPUT_BUCKET must be the output bucket's name",
    )

    other = d.client("sqs").create_queue(QueueName="other")["QueueUrl"]
    arn = d.client("sqs").get_queue_attributes(QueueUrl=other, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    yield (
        queue(RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 4})),
        f"an event that has failed must go to the failure queue, goes to {arn}",
    )
    yield (
        lambda: iam.delete_role_policy(RoleName=d.ids["WorkerRole"], PolicyName="objects"),
        f"the role of worker must allow s3:GetObject on arn:aws:s3:::{d.bucket('input')}/originals/x",
    )

    yield (
        lambda: iam.delete_role_permissions_boundary(RoleName=d.ids["ApiRole"]),
        f"{d.ids['ApiRole']} must have the boundary by parameter",
    )

    def open_role():
        everything = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": "*"}],
        }
        iam.put_role_policy(
            RoleName=d.ids["ApiRole"], PolicyName="open", PolicyDocument=json.dumps(everything)
        )

    yield (
        open_role,
        f"the role of api must not allow s3:PutObject on arn:aws:s3:::{d.bucket('output')}/i/x/manifest.json",
    )

    def stranger():
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{d.bucket('output')}/*",
            "Condition": {"StringEquals": {"aws:SourceArn": d.distribution["ARN"] + "X"}},
        }
        s3.put_bucket_policy(
            Bucket=d.bucket("output"), Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        )

    yield stranger, "the output bucket must let nobody in but the distribution"
    yield (
        lambda: s3.put_public_access_block(
            Bucket=d.bucket("site"),
            PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": False},
        ),
        "the site bucket must block all public access",
    )
    yield (
        lambda: d.client("cloudformation").update_termination_protection(StackName="presize-prod", EnableTerminationProtection=False),
        "the stack must be protected from deletion",
    )
    yield (
        lambda: d.client("cloudwatch").delete_alarms(AlarmNames=[d.ids["FailureAlarm"]]),
        "there must be an alarm as soon as the failure queue is not empty",
    )
    yield (
        lambda: d.client("logs").delete_retention_policy(logGroupName=d.ids["ApiLogGroup"]),
        "must be there, and forget",
    )
