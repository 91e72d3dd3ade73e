"""A made-up AWS estate: the files that a person works on, and the originals in them that nobody else may learn."""

import subprocess
from pathlib import Path

ACCOUNT = "481516234217"
INSTANCE = "i-0a1b2c3d4e5f60718"
NEW_INSTANCE = "i-0f9e8d7c6b5a43210"
BUCKET = "quokka-payments-raw"
DATABASE = "quokka-orders-db"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/quokka-deployer"
ACCESS_KEY = "AKIAQ3EGRKQUOKKA2345"
SECRET_KEY = "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"
PRIVATE_ADDRESS = "10.42.17.93"
QUEUE_URL = f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/quokka-refunds"
ENDPOINT = f"{DATABASE}.c9akciq32rgz.eu-west-1.rds.amazonaws.com"

ORIGINALS = (
    ACCOUNT,
    INSTANCE,
    NEW_INSTANCE,
    BUCKET,
    DATABASE,
    ACCESS_KEY,
    SECRET_KEY,
    PRIVATE_ADDRESS,
    "c9akciq32rgz",
    "quokka-deployer",
    "quokka-refunds",
    "quokka-audit-trail",
    "ami-0c4e1f2a3b5d6e7f8",
    "subnet-0a1b2c3d4e5f60719",
    "sg-0f1e2d3c4b5a69788",
    "vpc-0b1c2d3e4f5a60717",
    "eni-0d1e2f3a4b5c60716",
    "1b2e3c4d-5a6f-4b7c-8d9e-0f1a2b3c4d5e",
)

FILES = {
    "main.tf": f"""\
resource "aws_instance" "web" {{
  ami                    = "ami-0c4e1f2a3b5d6e7f8"
  subnet_id              = "subnet-0a1b2c3d4e5f60719"
  vpc_security_group_ids = ["sg-0f1e2d3c4b5a69788"]
}}

resource "aws_s3_bucket" "raw" {{
  bucket = "{BUCKET}"
}}

resource "aws_db_instance" "orders" {{
  identifier = "{DATABASE}"
}}

# replaces {INSTANCE}
""",
    "stack.yaml": f"""\
Resources:
  Trail:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: quokka-audit-trail
  Key:
    Value: arn:aws:kms:eu-west-1:{ACCOUNT}:key/1b2e3c4d-5a6f-4b7c-8d9e-0f1a2b3c4d5e
  Role:
    Value: {ROLE_ARN}
""",
    "instances.json": f"""\
{{"Reservations": [{{"OwnerId": "{ACCOUNT}", "Instances": [{{
  "InstanceId": "{INSTANCE}", "VpcId": "vpc-0b1c2d3e4f5a60717", "PrivateIpAddress": "{PRIVATE_ADDRESS}",
  "PrivateDnsName": "ip-10-42-17-93.eu-west-1.compute.internal",
  "NetworkInterfaces": [{{"NetworkInterfaceId": "eni-0d1e2f3a4b5c60716"}}]}}]}}]}}
""",
    ".env": f"""\
AWS_ACCESS_KEY_ID={ACCESS_KEY}
AWS_SECRET_ACCESS_KEY={SECRET_KEY}
AWS_ACCOUNT_ID={ACCOUNT}
DB_HOST={ENDPOINT}
""",
    "app.log": f"""\
2025-01-07T10:00:00Z INFO started on {INSTANCE} ({PRIVATE_ADDRESS})
2025-01-07T10:00:01Z INFO polling {QUEUE_URL}
2025-01-07T10:00:02Z ERROR AccessDenied: User: {ROLE_ARN} may not read s3://{BUCKET}/2025/01/data.csv
2025-01-07T10:00:03Z WARN "image":"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/quokka-refunds:v3"\\n{INSTANCE}\\tending
""",
    "CLAUDE.md": f"Refunds come from {QUEUE_URL}, the account is {ACCOUNT}.\n",
    f"{BUCKET}/notes.txt": f"synced from s3://{BUCKET}/ by {INSTANCE}\n",
}


def write_files(folder: Path) -> None:
    """Write the estate's files below ``folder``, under git: Claude Code sends branch, status and commits."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    commit(folder, branch=f"fix/{INSTANCE}", subject=f"Restart {INSTANCE} in vpc-0b1c2d3e4f5a60717")
    (folder / f"dump-{NEW_INSTANCE}.txt").write_text("not under git\n")


def commit(folder: Path, *, branch: str, subject: str) -> None:
    """Make ``folder`` a git repository with one commit of all that it holds."""
    identity = ["-c", "user.name=A Person", "-c", "user.email=person@example.com"]
    for arguments in (["init", "-q", "-b", branch], ["add", "."], [*identity, "commit", "-q", "-m", subject]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
