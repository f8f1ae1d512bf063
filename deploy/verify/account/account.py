"""An AWS account on loopback: moto's server, with the resources that its CloudFormation lacks.

moto's CloudFormation knows few types, and of some of these few properties. Here a resource is made as
CloudFormation makes it: by calls to its service's API, which moto has for most. botocore checks every argument
of a call against AWS's own description of the API, and moto checks some. What the API then does not give back
as it was sent is what moto does not keep. Both are taken down, so that nothing passes for proved that is not.
"""

import collections
import io
import json
import logging
import re
import warnings

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.awslambda import urls as lambda_urls
from moto.awslambda.models import LambdaBackend, LambdaFunction, LambdaStorage
from moto.awslambda.responses import LambdaResponse
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Stack
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult
from moto.events.models import EventBus
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket
from moto.server import ThreadedMotoServer
from moto.sqs.models import sqs_backends

from fit import fit, lost

REGION = "us-east-1"
NUMBER = "123456789012"  # moto's own account
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "offline", "AWS_SECRET_ACCESS_KEY": "offline"}


class Account:
    """The account, and what is known of it: what moto lacks, and what was refused."""

    def __init__(self, kinds):
        self.log = io.StringIO()  # what the server was asked, and what went wrong in it
        logging.basicConfig(stream=self.log, format="%(message)s")
        logging.getLogger("werkzeug").setLevel(logging.INFO)
        warnings.filterwarnings("ignore", category=UserWarning, module="moto")
        self.lacks = set()  # (type, what) that moto takes but does not do
        self.refused = []  # sentences
        self.clients = {}
        self.invoked = []  # (function, event, version) of each asynchronous invocation
        self.server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self.server.start()
        host, port = self.server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        models = parsing.get_model_map()
        for kind in kinds:
            models[kind.type] = model(self, kind)
        parsing.get_model_map = lambda: WithStandIns(self, models)
        parsing.resource_class_from_type = lambda type: parsing.get_model_map()[type]
        self.importing = False  # an import is being done
        correct_moto(self)

        # moto would run the function in Docker.
        def invoke(function, body, headers, response_headers):
            self.invoked.append((function.function_name, json.loads(body), str(function.version)))
            return b""

        LambdaFunction.invoke = invoke

    def client(self, service):
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service,
                region_name=REGION,
                endpoint_url=self.url,
                aws_access_key_id="offline",
                aws_secret_access_key="offline",
                config=Config(retries={"total_max_attempts": 1}),
            )
        return self.clients[service]

    def call(self, type, service, operation, values, strict=True):
        """Calls an operation with values, which must all have a place in it, or else with those that have.

        Returns what was sent and the answer; None is the answer to what moto does not have.
        """
        client = self.client(service)
        shape = client.meta.service_model.operation_model(
            client.meta.method_to_api_mapping[operation]
        ).input_shape
        if not strict:
            values = {name: v for name, v in values.items() if name in shape.members}
        sent = fit(values, shape, type)
        try:
            return sent, getattr(client, operation)(**sent)
        except ClientError as err:
            # These are no errors of AWS but of moto's: no such route, no such method.
            if err.response["Error"]["Code"] not in ("404", "500", "501"):
                raise
            self.lacks.add((type, f"{service}.{operation}"))
            return sent, None


def account_settings(response):
    reserved = sum(int(f.reserved_concurrency or 0) for f in response.backend.list_functions())
    return json.dumps({"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000 - reserved}})


def correct_moto(account):
    """What moto does otherwise than AWS, and would be in the way of a deployment."""
    # Every bucket's policy refuses plain HTTP, which is what is spoken here.
    FakeBucket.get_permission = lambda bucket, action, resource: PermissionResult.NEUTRAL
    # moto refuses a template for which cfn-lint has as much as a hint; AWS only for an error.
    findings = CloudFormationBackend.validate_template
    CloudFormationBackend.validate_template = lambda backend, template: [
        finding for finding in findings(backend, template) if finding.rule.severity == "error"
    ]

    # moto has no settings of an account in Lambda. This one has the usual limit.
    for end in ("$", "/$"):  # as the SDK of Go and that of Python write it
        lambda_urls.url_paths["{0}/(?P<api_version>[^/]+)/account-settings" + end] = LambdaResponse.dispatch
    LambdaResponse.get_account_settings = account_settings

    # moto takes a list apart when it is given, but not when it is the default.
    load = parsing.ResourceMap.load_parameters

    def load_parameters(resources):
        load(resources)
        for name, parameter in resources._template.get("Parameters", {}).items():
            value = resources.resolved_parameters[name]
            if parameter["Type"] == "CommaDelimitedList" and isinstance(value, str):
                resources._parsed_resources[name] = value.split(",")

    parsing.ResourceMap.load_parameters = load_parameters

    # moto knows nothing of a stack that is gone, and makes its resources anew when asked for them. AWS still
    # lists them; here are those that the stack has left behind.
    delete = parsing.ResourceMap.delete

    def delete_and_remember(resources):
        kept = {
            name: resource
            for name, resource in resources._parsed_resources.items()
            if getattr(resource, "kept", False)
        }
        delete(resources)
        resources._resource_json_map = {name: resources._resource_json_map[name] for name in kept}
        resources._parsed_resources.update(kept)

    parsing.ResourceMap.delete = delete_and_remember

    # moto takes a Ref to a parameter that has changed for a change of the resource, but no Fn::Sub.
    reference = re.compile(r'"Ref": "(\w+)"|\$\{(\w+)\}')
    parsing.get_references_from_template = lambda part: [a or b for a, b in reference.findall(json.dumps(part))]

    # moto makes the outputs anew when the stack is described, of resources that are gone.
    delete_stack_model = Stack.delete

    def delete_with_outputs(stack):
        delete_stack_model(stack)
        stack.output_map = parsing.OutputMap(stack.resource_map, {}, stack.stack_id)

    Stack.delete = delete_with_outputs

    # moto has a mapping invoke the function, though it names an alias.
    create_mapping = LambdaBackend.create_event_source_mapping

    def create_event_source_mapping(backend, spec):
        mapping = create_mapping(backend, spec)
        queues = sqs_backends[NUMBER][REGION].queues.values()
        mappings = next(q.lambda_event_source_mappings for q in queues if q.queue_arn == mapping.event_source_arn)
        del mappings[mapping.function_arn]
        mapping.function_arn = spec["FunctionName"]
        mappings[mapping.function_arn] = mapping
        return mapping

    LambdaBackend.create_event_source_mapping = create_event_source_mapping

    # moto gives the number of a deleted version to the next one.
    publish_version = LambdaStorage.publish_version
    published = collections.Counter()

    def publish_with_a_new_number(storage, name_or_arn, description=""):
        version = publish_version(storage, name_or_arn, description)
        if not hasattr(version, "numbered"):
            published[version.function_name] += 1
            version.set_version(published[version.function_name])
            version.numbered = True
            storage._arns[version.function_arn] = version
        return version

    LambdaStorage.publish_version = publish_with_a_new_number

    # moto does not say what a Ref to a bus is.
    EventBus.physical_resource_id = property(lambda bus: bus.name)

    # moto looks at the condition of a resource when it makes one, and not when it changes one.
    update = parsing.parse_and_update_resource

    def update_if_there(name, resource, resources, **where):
        condition = resource.get("Condition")
        if condition and not resources.lazy_condition_map[condition]:
            return None
        return update(name, resource, resources, **where)

    parsing.parse_and_update_resource = update_if_there

    # moto keeps the outputs that a stack had before the change.
    def apply(change):
        # An import makes nothing: it takes what its template names.
        account.importing = change.change_set_type == "IMPORT"
        change.stack.template = change.template
        change.stack._parse_template()
        change.stack.resource_map.update(change.template_dict, change.parameters)
        change.stack.output_map = change.stack._create_output_map()
        account.importing = False

    ChangeSet.apply = apply

    # moto takes the protection of a stack only when the stack is made, and deletes it nevertheless.
    def update_termination_protection(response):
        stack = response.cloudformation_backend.get_stack(response._get_param("StackName"))
        stack.enable_termination_protection = response._get_bool_param("EnableTerminationProtection")
        return ActionResult({"StackId": stack.stack_id})

    def delete_stack(response):
        name = response._get_param("StackName")
        for stack in response.cloudformation_backend.stacks.values():
            if name in (stack.name, stack.stack_id) and stack.enable_termination_protection:
                raise ValidationError(message=f"{name} cannot be deleted while TerminationProtection is enabled")
        return delete_anyway(response)

    delete_anyway = CloudFormationResponse.delete_stack
    CloudFormationResponse.update_termination_protection = update_termination_protection
    CloudFormationResponse.delete_stack = delete_stack


class WithStandIns(dict):
    """moto's types and those added, and for every other one a resource that does nothing."""

    def __init__(self, account, models):
        super().__init__(models)
        self.account = account

    def __missing__(self, type):
        self.account.lacks.add((type, "everything"))
        return model(self.account, Kind(type))


class Kind:
    """How resources of one type are made: by the verbs create, update, get and delete of service's noun.

    ref names what of the answer Ref gives; attributes what Fn::GetAtt gives, where it is called otherwise.
    """

    def __init__(self, type, service="", noun="", ref="", attributes=None, named=""):
        self.type, self.service, self.noun, self.ref = type, service, noun, ref
        self.attributes = attributes or {}
        self.named = named  # the property that CloudFormation makes up if it is not there

    def verb(self, verb):
        return f"{verb}_{self.noun}"

    def arguments(self, properties):
        """The API's arguments, where these are not the properties."""
        return properties

    def create(self, account, properties):
        """Makes the resource and returns what is known of it."""
        if not self.service:
            return {}
        sent, answer = account.call(self.type, self.service, self.verb("create"), self.arguments(properties))
        known = {**properties, **sent, **flat(answer or {})}
        if answer is not None:
            self.compare(account, sent, known)
        return known

    def compare(self, account, sent, known):
        """Takes down what the API does not give back as it was sent."""
        if self.verb("get"):
            asked, kept = account.call(self.type, self.service, self.verb("get"), known, strict=False)
            account.lacks |= {(self.type, way) for way in lost(sent, {**asked, **flat(kept or {})})}

    def update(self, account, properties, known):
        values = {**known, **self.arguments(properties)}
        _, answer = account.call(self.type, self.service, self.verb("update"), values, strict=False)
        return {**known, **flat(answer or {})}

    def delete(self, account, known):
        if self.service and self.ref in known:  # else moto could not make it
            account.call(self.type, self.service, self.verb("delete"), known, strict=False)


def flat(answer):
    """The answer, with what it wraps in one object beside it: {"Distribution": {...}, "ETag": ...}."""
    inner = {}
    for name, value in answer.items():
        if isinstance(value, dict) and name != "ResponseMetadata":
            inner.update(value)
    return {**inner, **answer}


def present(account, value):
    """The value without what AWS::NoValue has taken out of its lists; out of objects moto has done it.

    References to SSM are resolved, which moto does not do.
    """
    if isinstance(value, dict):
        return {name: present(account, v) for name, v in value.items()}
    if isinstance(value, list):
        return [present(account, v) for v in value if v is not None]
    if isinstance(value, str) and value.startswith("{{resolve:ssm:"):
        name = value.removeprefix("{{resolve:ssm:").removesuffix("}}")
        return account.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    return value


def model(account, kind):
    """Makes of a kind what moto's CloudFormation takes for a type."""

    class Resource:
        has_cfn_attr = classmethod(lambda cls, name: True)

        def is_created(self):
            return True

        def __init__(self, name, known, kept):
            self.known, self.kept = known, kept
            self.physical_resource_id = str(known.get(kind.ref, name))

        @classmethod
        def create_from_cloudformation_json(cls, name, template, number, region, **kwargs):
            properties = present(account, template["Properties"])
            if kind.named:
                properties = {kind.named: name, **properties}
            logical = kwargs.get("LogicalId", name)
            try:
                known = (kind.adopt if account.importing else kind.create)(account, properties)
            except Exception as err:  # of any kind: moto reports only that something failed
                account.refused.append(f"{logical} ({kind.type}): {err}")
                raise
            return cls(name, known, template.get("DeletionPolicy", "").startswith("Retain"))

        @classmethod
        def update_from_cloudformation_json(
            cls, original_resource, new_resource_name, cloudformation_json, **_
        ):
            try:
                known = kind.update(
                    account, present(account, cloudformation_json["Properties"]), original_resource.known
                )
            except Exception as err:
                account.refused.append(f"{original_resource.physical_resource_id} ({kind.type}): {err}")
                raise
            original_resource.__init__(new_resource_name, known, original_resource.kept)
            return original_resource

        def get_cfn_attribute(self, name):
            return self.known.get(kind.attributes.get(name, name), f"{self.physical_resource_id}.{name}")

        def delete(self, number, region):
            if self.kept:
                return
            try:
                kind.delete(account, self.known)
            except ClientError as err:
                # moto deletes in no order: what belongs to another resource may be gone with it.
                if err.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                    raise

    return Resource
