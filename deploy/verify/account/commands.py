"""Runs osls and the operator's command against the account."""

import os
import subprocess
import sys
from pathlib import Path

from account import CREDENTIALS, REGION

OSLS = "deploy/node_modules/.bin/osls"
PRESIZE = Path("build/bin/operator").absolute()


def osls(account, *args):
    """Runs osls against the account; what osls or moto say of a failure ends the program."""
    return expect(account, run(account, OSLS, *args))


def command(account, stage, *args, answer=""):
    """Runs the operator's command against the account, like osls."""
    return expect(account, presize(account, stage, *args, answer=answer)).stdout


def presize(account, stage, *args, answer="", checkout="."):
    return run(account, PRESIZE, *args, "--stage", stage, answer=answer, checkout=checkout)


def run(account, *args, answer="", checkout="."):
    env = {
        name: v
        for name, v in os.environ.items()
        if not name.upper().startswith(("AWS_", "SLS_")) and not name.upper().endswith("_PROXY")
    }
    env |= CREDENTIALS | {
        "AWS_ENDPOINT_URL": account.url,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return subprocess.run(
        [*map(str, args)], env=env, input=answer, capture_output=True, text=True, timeout=180, cwd=checkout
    )


def expect(account, ran):
    """Ends the program if a run failed."""
    if ran.returncode != 0:
        why = dict.fromkeys(account.refused) or [account.log.getvalue()[-4000:]]
        sys.exit("\n".join([f"{' '.join(ran.args)}:", ran.stdout, ran.stderr, *why]))
    return ran
