"""The forms in which Claude Code meets a value: each a function from a fact to a text that holds it.

``FORMS`` are the forms of any fact. ``SCENES`` make up whole texts, with facts of their own: files and lines that have
one content only, such as kubeconfigs and flow logs.
"""

import random
from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.accuracy.facts import Fact, Sample
from benchmarks.accuracy.forms import code, data, infrastructure, messages, scenes, shell

Form = Callable[[Fact, random.Random], str]
Scene = Callable[[random.Random], Sample]

FORMS: Final[Mapping[str, Form]] = {
    "JSON, pretty": data.json_pretty,
    "JSON, compact": data.json_compact,
    "JSON in a string": data.json_in_string,
    "JSON in a string in a string": data.json_in_string_twice,
    "YAML": data.yaml,
    "CLI text output": data.cli_text,
    "CLI table": data.cli_table,
    "CLI command, --flag value": shell.flag_space,
    "CLI command, --flag=value": shell.flag_equals,
    "shell variable": shell.variable,
    "Terraform": infrastructure.terraform,
    "Terraform plan": infrastructure.terraform_plan,
    "Terraform state": infrastructure.terraform_state,
    "CloudFormation JSON": infrastructure.cloudformation_json,
    "CloudFormation YAML": infrastructure.cloudformation_yaml,
    "CDK TypeScript": infrastructure.cdk_typescript,
    "CDK Python": infrastructure.cdk_python,
    "Python (boto3)": code.python,
    "JavaScript (SDK v3)": code.javascript,
    "Go": code.go,
    "Java": code.java,
    ".env": shell.dotenv,
    "INI": shell.ini,
    "CloudTrail": data.cloudtrail,
    "error message": messages.error,
}
SCENES: Final[Mapping[str, Scene]] = {
    "aws s3 path": scenes.s3_path,
    "~/.aws/config": scenes.aws_config,
    "~/.aws/credentials": scenes.aws_credentials,
    "VPC flow log": scenes.flow_log,
    "kubeconfig": scenes.kubeconfig,
    "connection string": scenes.connection_string,
    "JDBC URL": scenes.jdbc_url,
    "S3 access log": scenes.s3_access_log,
    "IAM policy": scenes.iam_policy,
}
