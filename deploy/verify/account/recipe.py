"""Runs the recipes of the Makefile against the account: with a stage file, and without it."""

import base64
from contextlib import contextmanager
from pathlib import Path

from account import REGION
from commands import expect, presize, run
from promises import Deployed

STAGE = "made"
FILE = Path(f"deploy/stages/{STAGE}.yml")
SECRET = f"/presize/{STAGE}/origin-secret-a"

# Values that a shell would take apart.
PARAMETERS = {
    "allowedOrigins": "https://a.example,https://b.example",
    "jwtIssuer": "https://login.example.com/",
    "jwtAudience": "the app,* and 'others'",
    "webhookUrl": "https://backend.example/hooks?a=$HOME&b=*;c",
    "logRetentionDays": "14",
}


@contextmanager
def stage_file():
    write_file()
    try:
        yield
    finally:
        FILE.unlink(missing_ok=True)


def write_file():
    FILE.write_text("".join(f"{name}: {quoted(value)}\n" for name, value in PARAMETERS.items()))


def quoted(value):
    """The value as YAML."""
    return "'" + value.replace("'", "''") + "'"


def make(account, target):
    """Runs a target of the Makefile, like osls."""
    return expect(account, try_make(account, target)).stdout


def try_make(account, target):
    return run(account, "make", "--no-print-directory", target, f"STAGE={STAGE}", f"REGION={REGION}")


def deploy_by_make(account):
    """Deploys with the stage file, and tries to deploy without it and with another secret than CloudFront's."""
    ssm = account.client("ssm")
    webhooks = f"/presize/{STAGE}/webhook-secret"
    ssm.put_parameter(Name=webhooks, Value="whsec_" + base64.b64encode(bytes(32)).decode(), Type="SecureString")
    printed = make(account, "deploy")
    deployed = Deployed(account, f"presize-{STAGE}")
    secret = ssm.get_parameter(Name=SECRET)["Parameter"]["Value"]
    ssm.put_parameter(Name=SECRET, Value="another", Type="String", Overwrite=True)
    other = presize(account, STAGE, "keys")
    ssm.put_parameter(Name=SECRET, Value=secret, Type="String", Overwrite=True)
    back = presize(account, STAGE, "keys")
    promises = {
        "the page's URL must be printed last": printed.splitlines()[-1:] == [deployed.outputs["SiteUrl"]],
        "a secret that CloudFront does not send must be refused by name": other.returncode != 0 and SECRET in other.stderr,
        "the secret that is put back must be deployed": "--param=originVersion=3\n" in back.stdout,
    }
    for name, value in PARAMETERS.items():
        got = deployed.parameters.get(name[0].upper() + name[1:], value)
        promises[f"{name} must be {value!r}, is {got!r}"] = got == value
    failures = [promise for promise, holds in promises.items() if not holds]
    failures += refused_without_file(account)
    print(f"presize-{STAGE}, make deploy: {len(failures)} promises broken", flush=True)
    return [f"presize-{STAGE}, make deploy: {f}" for f in failures]


def refused_without_file(account):
    """Tries to deploy without the stage file, which would drop what it sets."""
    FILE.unlink()
    ran = try_make(account, "deploy")
    write_file()
    promises = {
        "a deployment without the stage file must be refused": ran.returncode != 0,
        "nothing must be built before it is refused": "build/package" not in ran.stdout,
    } | {f"the refusal must name {name}": f"\n  {name}: " in ran.stderr for name in PARAMETERS}
    return [promise for promise, holds in promises.items() if not holds]
