"""The environment of the simulator's account, for whoever looks for AWS credentials in it."""

import os

from smtp_fakes import certificate_files

SIMULATED = {
    "AWS_ACCESS_KEY_ID": "simulator",
    "AWS_SECRET_ACCESS_KEY": "simulator",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    # No endpoint of AWS is trusted. (And reading all authorities takes longer than most tests.)
    "AWS_CA_BUNDLE": str(certificate_files().certificate[0]),
}
