"""From a template's properties to the arguments of an API call.

CloudFormation names nearly everything as the service's API does, but takes a list where CloudFront's API wants
its length too, an object where IAM's wants JSON, and some names differ. botocore knows the API's shapes, so a
property that has no place in them is found here, and one of a wrong type by botocore itself.
"""

import json

# Names of properties that are not their API's, tried where the name itself has no place.
RENAMED = {
    "CorsRules": "CORSRules",
    "DestinationBucketName": "TargetBucket",
    "Event": "Events",
    "ExposedHeaders": "ExposeHeaders",
    "IPV6Enabled": "IsIPV6Enabled",
    "LogFilePrefix": "TargetPrefix",
    "MaxAge": "MaxAgeSeconds",
    "PolicyDocument": "Policy",
    "Queue": "QueueArn",
    "Rules": "FilterRules",
    "S3Key": "Key",
    "ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault",
    "ServerSideEncryptionConfiguration": "Rules",
    "TransitionInDays": "Days",
}

SCALARS = {
    "boolean": lambda v: str(v).lower() == "true",
    "double": float,
    "float": float,
    "integer": int,
    "long": int,
    "string": lambda v: json.dumps(v) if isinstance(v, (dict, list, bool)) else str(v),
}


def fit(value, shape, where):
    """Returns value in the form that the API's shape asks for; where names it in what is raised."""
    if shape.type_name == "structure":
        return fit_structure(value, shape, where)
    if shape.type_name == "list":
        values = value if isinstance(value, list) else [value]
        return [fit(v, shape.member, where) for v in values]
    if shape.type_name == "map":
        if isinstance(value, list):
            value = {tag["Key"]: tag["Value"] for tag in value}
        return {k: fit(v, shape.value, f"{where}.{k}") for k, v in value.items()}
    return SCALARS.get(shape.type_name, lambda v: v)(value)


def fit_structure(value, shape, where):
    members = {name.lower(): name for name in shape.members}
    if isinstance(value, list):
        value = {"Items": value}
    fitted = {}
    for name, v in value.items():
        member = members.get(name.lower()) or members.get(RENAMED.get(name, "").lower())
        if member is None:
            raise ValueError(f"{where}.{name}: there is no such thing in {shape.name}")
        fitted[member] = fit(v, shape.members[member], f"{where}.{name}")
    if "Quantity" in shape.members and "Items" in fitted:
        fitted["Quantity"] = len(fitted["Items"])
        if "Enabled" in shape.members:  # of trusted key groups
            fitted["Enabled"] = fitted["Quantity"] > 0
    return fitted


def lost(sent, kept, where=""):
    """Returns what of sent is not in kept, or is something else there, as ways to it."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        ways = [lost(v, kept.get(name), f"{where}.{name}") for name, v in sent.items()]
    elif isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        ways = [lost(s, k, f"{where}[]") for s, k in zip(sent, kept)]
    else:
        return set() if sent == kept or same_document(sent, kept) else {where.lstrip(".")}
    nothing = where and ways and all(way == {f"{where}.{name}".lstrip(".")} for way, name in zip(ways, sent))
    return {where.lstrip(".")} if nothing else set().union(*ways)


def same_document(sent, kept):
    """Reports whether both are the same JSON: what is sent as text may come back as a document, or indented."""
    try:
        return json.loads(sent) == (kept if isinstance(kept, dict) else json.loads(kept))
    except (TypeError, ValueError):
        return False
