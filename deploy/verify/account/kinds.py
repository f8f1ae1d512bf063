"""The types of resources that are made here instead of by moto's CloudFormation."""

import json
import uuid

from account import NUMBER, REGION, Kind
from fit import lost
from moto.route53.models import route53_backends


class Bucket(Kind):
    """Made empty and plain; then each of its properties is a call of its own."""

    CALLS = {
        "BucketEncryption": "bucket_encryption",
        "CorsConfiguration": "bucket_cors",
        "LifecycleConfiguration": "bucket_lifecycle_configuration",
        "LoggingConfiguration": "bucket_logging",
        "NotificationConfiguration": "bucket_notification_configuration",
        "OwnershipControls": "bucket_ownership_controls",
        "PublicAccessBlockConfiguration": "public_access_block",
        "VersioningConfiguration": "bucket_versioning",
    }

    def create(self, account, properties):
        name = properties["BucketName"]
        account.client("s3").create_bucket(Bucket=name)
        return self.update(account, properties, self.known(name))

    def adopt(self, account, properties):
        """Takes a bucket that exists into a stack."""
        account.client("s3").head_bucket(Bucket=properties["BucketName"])
        return self.known(properties["BucketName"])

    def known(self, name):
        return {
            "BucketName": name,
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{REGION}.amazonaws.com",
        }

    def update(self, account, properties, known):
        bucket = known["BucketName"]
        for name, value in properties.items():
            if name in ("BucketName", "Tags"):
                continue
            if name == "LoggingConfiguration":
                value = {"LoggingEnabled": {"LogFilePrefix": "", **value}}
            if name == "LifecycleConfiguration":
                value = {"Rules": [lifecycle_rule(rule) for rule in value["Rules"]]}
            call = self.CALLS[name]
            client = account.client("s3")
            operation = client.meta.service_model.operation_model(
                client.meta.method_to_api_mapping["put_" + call]
            )
            payload = operation.input_shape.serialization["payload"]
            sent, answer = account.call(self.type, "s3", "put_" + call, {"Bucket": bucket, payload: value})
            if answer is None:
                continue
            kept = getattr(client, "get_" + call)(Bucket=bucket)
            kept = kept.get(payload, kept)
            account.lacks |= {(self.type, f"{name}.{way}") for way in lost(sent[payload], kept)}
        return known

    def delete(self, account, known):
        account.client("s3").delete_bucket(Bucket=known["BucketName"])


def lifecycle_rule(rule):
    """A rule as the API has it: what it applies to, and after how long an object expires, are objects there."""
    rule = dict(rule)
    tags = rule.pop("TagFilters", [])
    prefix = rule.pop("Prefix", "")
    if len(tags) + bool(prefix) > 1:
        rule["Filter"] = {"And": {"Prefix": prefix, "Tags": tags}}
    else:
        rule["Filter"] = {"Tag": tags[0]} if tags else {"Prefix": prefix}
    if "ExpirationInDays" in rule:
        rule["Expiration"] = {"Days": rule.pop("ExpirationInDays")}
    if "ExpiredObjectDeleteMarker" in rule:
        rule["Expiration"] = {"ExpiredObjectDeleteMarker": rule.pop("ExpiredObjectDeleteMarker")}
    return rule


class Put(Kind):
    """Made, and changed, by putting it whole."""

    def verb(self, verb):
        return f"{'put' if verb in ('create', 'update') else verb}_{self.noun}"


class BucketPolicy(Put):
    def compare(self, account, sent, known):
        super().compare(account, {"Policy": sent["Policy"]}, known)


class Alarm(Put):
    def compare(self, account, sent, known):
        alarms = account.client("cloudwatch").describe_alarms(AlarmNames=[sent["AlarmName"]])["MetricAlarms"]
        account.lacks |= {(self.type, way) for way in lost(sent, alarms[0])}

    def delete(self, account, known):
        account.client("cloudwatch").delete_alarms(AlarmNames=[known["AlarmName"]])


class Function(Kind):
    # The call for it is another one than for the rest.
    CONCURRENCY = "ReservedConcurrentExecutions"

    def arguments(self, properties):
        return {name: v for name, v in properties.items() if name != self.CONCURRENCY}

    def create(self, account, properties):
        known = super().create(account, properties)
        if self.CONCURRENCY in properties:
            account.call(self.type, self.service, "put_function_concurrency", properties, strict=False)
        return known

    def compare(self, account, sent, known):
        kept = account.client("lambda").get_function_configuration(FunctionName=known["FunctionName"])
        kept["Layers"] = [layer["Arn"] for layer in kept.get("Layers", [])]
        asked = {name: v for name, v in sent.items() if name != "Code"}
        account.lacks |= {(self.type, way) for way in lost(asked, kept)}

    def update(self, account, properties, known):
        account.call(
            self.type, self.service, "update_function_code", {**known, **properties["Code"]}, strict=False
        )
        account.call(self.type, self.service, "update_function_configuration", properties, strict=False)
        return known


class Permission(Kind):
    """For the alias whose ARN is the function's name; moto only takes it from an argument of its own."""

    def arguments(self, properties):
        function, _, qualifier = properties["FunctionName"].partition(":live")
        alias = {"Qualifier": "live"} if function != properties["FunctionName"] else {}
        return {"StatementId": uuid.uuid4().hex, **properties, "FunctionName": function, **alias}

    def verb(self, verb):
        return {"create": "add_permission", "delete": "remove_permission"}.get(verb, "")


class LayerVersion(Kind):
    def verb(self, verb):
        return {"create": "publish_layer_version"}.get(verb, f"{verb}_layer_version")

    def compare(self, account, sent, known):
        told = {name: v for name, v in sent.items() if name not in ("Content", "LayerName")}
        super().compare(account, told, {**known, "VersionNumber": known["Version"]})

    def update(self, account, properties, known):
        return self.create(account, properties)

    def delete(self, account, known):
        super().delete(account, {**known, "VersionNumber": known["Version"]})


class Role(Kind):
    """Its policies are objects of their own in the API."""

    def create(self, account, properties):
        own = {name: v for name, v in properties.items() if name not in ("Policies", "ManagedPolicyArns")}
        known = super().create(account, own)
        return self.update(account, properties, known)

    def compare(self, account, sent, known):
        kept = account.client("iam").get_role(RoleName=known["RoleName"])["Role"]
        kept["PermissionsBoundary"] = kept.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        account.lacks |= {(self.type, way) for way in lost(sent, kept)}

    def update(self, account, properties, known):
        for policy in properties.get("Policies", []):
            policy = {"RoleName": known["RoleName"], **policy}
            sent, _ = account.call(self.type, "iam", "put_role_policy", policy)
            _, kept = account.call(self.type, "iam", "get_role_policy", policy, strict=False)
            account.lacks |= {(self.type, way) for way in lost(sent, kept)}
        for arn in properties.get("ManagedPolicyArns", []):
            account.client("iam").attach_role_policy(RoleName=known["RoleName"], PolicyArn=arn)
        return known

    def delete(self, account, known):
        iam, role = account.client("iam"), {"RoleName": known["RoleName"]}
        for name in iam.list_role_policies(**role)["PolicyNames"]:
            iam.delete_role_policy(**role, PolicyName=name)
        for policy in iam.list_attached_role_policies(**role)["AttachedPolicies"]:
            iam.detach_role_policy(**role, PolicyArn=policy["PolicyArn"])
        iam.delete_role(**role)


class ApiDestination(Kind):
    def verb(self, verb):
        return super().verb("describe" if verb == "get" else verb)


class Connection(Kind):
    """Its key is never given back."""

    def compare(self, account, sent, known):
        pass


class LogGroup(Kind):
    def create(self, account, properties):
        logs, name = account.client("logs"), properties["LogGroupName"]
        logs.create_log_group(logGroupName=name)
        known = {"LogGroupName": name, "Arn": f"arn:aws:logs:{REGION}:{NUMBER}:log-group:{name}:*"}
        return self.update(account, properties, known)

    def update(self, account, properties, known):
        account.client("logs").put_retention_policy(
            logGroupName=known["LogGroupName"], retentionInDays=int(properties["RetentionInDays"])
        )
        return known

    def delete(self, account, known):
        account.client("logs").delete_log_group(logGroupName=known["LogGroupName"])


class Stage(Kind):
    def update(self, account, properties, known):
        self.delete(account, known)
        return self.create(account, properties)


class Subscription(Kind):
    def verb(self, verb):
        return {"create": "subscribe", "get": "get_subscription_attributes", "delete": "unsubscribe"}[verb]

    def create(self, account, properties):
        sent, answer = account.call(self.type, "sns", "subscribe", properties)
        return {**sent, **answer}


class QueuePolicy(Kind):
    """One document, put as an attribute of each queue it is for, and gone with them."""

    def create(self, account, properties):
        for queue in properties["Queues"]:
            account.client("sqs").set_queue_attributes(
                QueueUrl=queue, Attributes={"Policy": json.dumps(properties["PolicyDocument"])}
            )
        return properties

    def update(self, account, properties, known):
        return self.create(account, properties)

    def delete(self, account, known):
        pass


class TopicPolicy(QueuePolicy):
    """The same for topics."""

    def create(self, account, properties):
        for topic in properties["Topics"]:
            account.client("sns").set_topic_attributes(
                TopicArn=topic,
                AttributeName="Policy",
                AttributeValue=json.dumps(properties["PolicyDocument"]),
            )
        return properties


class Budget(Kind):
    """Made by a call that says the account too, under a name that CloudFormation makes up."""

    def create(self, account, properties):
        budget = {"BudgetName": f"Budget-{uuid.uuid4().hex}", **properties["Budget"]}
        sent, answer = account.call(
            self.type, "budgets", "create_budget", {"AccountId": NUMBER, **properties, "Budget": budget}
        )
        known = {"BudgetName": sent["Budget"]["BudgetName"]}
        if answer is not None:
            kept = account.client("budgets").describe_budget(AccountId=NUMBER, **known)
            account.lacks |= {(self.type, way) for way in lost(sent["Budget"], kept["Budget"])}
        return known

    def update(self, account, properties, known):
        self.delete(account, known)
        return self.create(account, properties)

    def delete(self, account, known):
        account.client("budgets").delete_budget(AccountId=NUMBER, **known)


class Record(Kind):
    """Made in a zone that its owner has made before the deployment."""

    def create(self, account, properties):
        zones = route53_backends[NUMBER]["aws"].zones
        zone, record = properties["HostedZoneId"], {n: v for n, v in properties.items() if n != "HostedZoneId"}
        if zone not in zones:
            made = account.client("route53").create_hosted_zone(
                Name=record["Name"], CallerReference=uuid.uuid4().hex
            )
            zones[zone] = zones.pop(made["HostedZone"]["Id"].rpartition("/")[2])
        known = {"zone": zone, "record": record, "Name": record["Name"]}
        self.change(account, known, "CREATE")
        return known

    def change(self, account, known, action):
        changes = {"Changes": [{"Action": action, "ResourceRecordSet": known["record"]}]}
        account.call(
            self.type,
            "route53",
            "change_resource_record_sets",
            {"HostedZoneId": known["zone"], "ChangeBatch": changes},
        )

    def update(self, account, properties, known):
        self.delete(account, known)
        return self.create(account, properties)

    def delete(self, account, known):
        self.change(account, known, "DELETE")


class Distribution(Kind):
    def arguments(self, properties):
        config = {"CallerReference": uuid.uuid4().hex, "Comment": "", **properties["DistributionConfig"]}
        config["Origins"] = [self.origin(o) for o in config["Origins"]]
        if "Logging" in config:
            config["Logging"] = {"Enabled": True, "IncludeCookies": False, "Prefix": "", **config["Logging"]}
        return {"DistributionConfig": config}

    @staticmethod
    def origin(origin):
        if "CustomOriginConfig" not in origin:
            return origin
        origin = dict(origin)
        headers = origin.pop("OriginCustomHeaders", [])
        return {
            **origin,
            "CustomHeaders": headers,
            "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, **origin["CustomOriginConfig"]},
        }

    def update(self, account, properties, known):
        cloudfront = account.client("cloudfront")
        current = cloudfront.get_distribution_config(Id=known["Id"])
        values = self.arguments(properties)
        values["DistributionConfig"]["CallerReference"] = current["DistributionConfig"]["CallerReference"]
        account.call(
            self.type,
            "cloudfront",
            "update_distribution",
            {**values, "Id": known["Id"], "IfMatch": current["ETag"]},
        )
        return known

    def delete(self, account, known):
        etag = account.client("cloudfront").get_distribution_config(Id=known["Id"])["ETag"]
        account.client("cloudfront").delete_distribution(Id=known["Id"], IfMatch=etag)


class CloudFrontFunction(Kind):
    """Made as a draft, and published by a call of its own."""

    def arguments(self, properties):
        return {name: v for name, v in properties.items() if name != "AutoPublish"}

    def create(self, account, properties):
        known = super().create(account, properties)
        known["FunctionARN"] = known["FunctionMetadata"]["FunctionARN"]
        if properties.get("AutoPublish"):
            account.call(
                self.type, self.service, "publish_function", {**known, "IfMatch": known["ETag"]}, strict=False
            )
        return known

    def compare(self, account, sent, known):
        kept = (
            account.client("cloudfront")
            .get_function(Name=known["Name"], Stage="DEVELOPMENT")["FunctionCode"]
            .read()
        )
        if kept.decode() != sent["FunctionCode"]:
            account.lacks.add((self.type, "FunctionCode"))

    def delete(self, account, known):
        super().delete(account, {**known, "IfMatch": known["ETag"]})


KINDS = [
    Bucket("AWS::S3::Bucket", ref="BucketName", named="BucketName"),
    BucketPolicy("AWS::S3::BucketPolicy", "s3", "bucket_policy"),
    Role("AWS::IAM::Role", "iam", "role", "RoleName", named="RoleName"),
    Function(
        "AWS::Lambda::Function", "lambda", "function", "FunctionName", {"Arn": "FunctionArn"}, "FunctionName"
    ),
    Kind("AWS::Lambda::Alias", "lambda", "alias", "AliasArn"),
    Permission("AWS::Lambda::Permission", "lambda", "permission"),
    LayerVersion("AWS::Lambda::LayerVersion", "lambda", "layer_version", "LayerVersionArn"),
    Kind("AWS::ApiGatewayV2::Api", "apigatewayv2", "api", "ApiId"),
    Kind("AWS::ApiGatewayV2::Authorizer", "apigatewayv2", "authorizer", "AuthorizerId"),
    Kind("AWS::ApiGatewayV2::Integration", "apigatewayv2", "integration", "IntegrationId"),
    Kind("AWS::ApiGatewayV2::Route", "apigatewayv2", "route", "RouteId"),
    Stage("AWS::ApiGatewayV2::Stage", "apigatewayv2", "stage", "StageName"),
    LogGroup("AWS::Logs::LogGroup", ref="LogGroupName", named="LogGroupName"),
    Alarm(
        "AWS::CloudWatch::Alarm", "cloudwatch", "metric_alarm", "AlarmName", {"Arn": "AlarmArn"}, "AlarmName"
    ),
    Connection("AWS::Events::Connection", "events", "connection", "Name", {"Arn": "ConnectionArn"}, "Name"),
    ApiDestination(
        "AWS::Events::ApiDestination", "events", "api_destination", "Name", {"Arn": "ApiDestinationArn"}, "Name"
    ),
    Budget("AWS::Budgets::Budget", ref="BudgetName"),
    Record("AWS::Route53::RecordSet", ref="Name"),
    Subscription("AWS::SNS::Subscription", "sns", "subscription", "SubscriptionArn"),
    TopicPolicy("AWS::SNS::TopicPolicy"),
    QueuePolicy("AWS::SQS::QueuePolicy"),
    Distribution("AWS::CloudFront::Distribution", "cloudfront", "distribution", "Id"),
    Kind("AWS::CloudFront::OriginAccessControl", "cloudfront", "origin_access_control", "Id"),
    Kind("AWS::CloudFront::CachePolicy", "cloudfront", "cache_policy", "Id"),
    Kind("AWS::CloudFront::PublicKey", "cloudfront", "public_key", "Id"),
    Kind("AWS::CloudFront::KeyGroup", "cloudfront", "key_group", "Id"),
    Kind("AWS::CloudFront::ResponseHeadersPolicy", "cloudfront", "response_headers_policy", "Id"),
    CloudFrontFunction("AWS::CloudFront::Function", "cloudfront", "function", "FunctionARN"),
]
