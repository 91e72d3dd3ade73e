"""What a text speaks of, and how it is written: of AWS, of another cloud; a program, settings, anything.

That is told by the text alone, and by the command that printed it if it is the result of a tool; never by other texts.
"""

from enum import Enum, auto
from itertools import islice
from typing import Final

from aws_masker.joints import END
from aws_masker.re2c import Pattern, Span

# With which operations of AWS's APIs begin.
_VERBS: Final = (
    "Add|Admin|Allocate|Associate|Attach|Authorize|Batch|Cancel|Change|Complete|Confirm|Copy|Create|Decrypt|Delete|"
    "Deregister|Describe|Detach|Disable|Disassociate|Enable|Encrypt|Execute|Filter|Generate|Get|Head|Import|Initiate|"
    "Invoke|List|Lookup|Modify|Publish|Purge|Put|Query|Reboot|Receive|Register|Release|Remove|Reset|Restore|Resume|"
    "Revoke|Rotate|Run|Scan|Search|Send|Set|Sign|Start|Stop|Subscribe|Tag|Terminate|Test|Transact|Unsubscribe|Untag|"
    "Update|Upload|Verify"
)
_CALLS: Final = "associate|create|delete|describe|disable|enable|get|list|put|register|send|start|stop|tag|update"
_CLIENTS: Final = (
    "s3|ssm|sns|sqs|ecs|eks|ecr|iam|rds|ec2|elbv2|stepfunctions|sfn|glue|athena|route53|cognito_idp|codebuild|"
    "codepipeline|secretsmanager|kinesis|kms|cloudwatch|wafv2|efs|apigateway"
)
_REGION: Final = (
    r"(?:^|[^a-z]|\\[nrt])(?:us|eu|ap|sa|ca|me|af|il|mx|cn)-(?:gov-|iso[a-z]?-)?"
    r"(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-[0-9]"
)
_SIGNS: Final = (
    # Ids with a prefix, and keys of ARNs.
    r"|[a-z]-0[0-9a-f]{16}(?:[^0-9A-Za-z]|$)|[a-z]Arns?\\*\""
    # Members of what its APIs answer.
    r"|\"(?:AutoScalingGroupName|DB(?:Cluster|Instance)[A-Z][A-Za-z]+|HTTPStatusCode|HostedZoneId|IamInstanceProfile|"
    r"InstanceProfile|KmsKeyId|LaunchTemplateName|ProvisionedProduct|ResponseMetadata|SecretString|SecurityGroupIds?|"
    r"SubnetIds?|UserPoolId|VpcId|imageTagMutability|registryId)\\*\""
    r"|amazonaws|alb\.ingress\.kubernetes|eksctl\.io|(?:^|[^a-z0-9])s3[an]?://[a-z0-9{$]|IAMUser|"
    r"[^A-Za-z]awspring|[^A-Za-z](?:AWS(?:[A-SU-Z]|T[A-Za-z])|(?:Aws|aws)[A-Z])"
    rf"|{_REGION}"
    # The AWS CLI's tables, named for an operation, and what the SDKs say of an error.
    r"|-(?:\n|\\+n)\| +[A-Z][a-z]+[A-Z][A-Za-z0-9]* +\|(?:\n|\\+n)[+|]"
    # Libraries of .NET.
    r"|(?:^|[^A-Za-z])Amazon\.[A-Z][A-Za-z0-9]+[.;]|AWSSDK\."
    r"|ProvisionedThroughputExceededException|ConditionalCheckFailedException"
    r"|An error occurred \([A-Za-z.]+\)[A-Za-z0-9 :()]* when calling the |, api error [A-Z]"
)
_AWS: Final = Pattern(
    r"(?:^|[^A-Za-z]|\\[nrt])(?:(?:aws|Aws|amazon|Amazon|boto3?|arn:|cloudformation|CloudFormation)(?:[^a-z]|$)"
    # AWST is a time.
    r"|AWS(?:[^a-zT]|T[A-Za-z]|$))" + _SIGNS
)
# More than AWS's name in a comment of a program; where programs stand in a message, it is not in their comments.
_USES_AWS: Final = Pattern(
    r"(?:^|[^A-Za-z]|\\[nrt])(?:(?:aws|amazon|boto3?|arn:|cloudformation)(?:[^a-z]|$)"
    r"|AWS(?:[^a-z ,.;)\nT]|T[A-Za-z])|(?:Aws|Amazon|CloudFormation)[^a-z ,.;)\n])" + _SIGNS
)
# A program in a message: at the beginning of a line, as the comments of programs have such, too.
_FENCE: Final = Pattern(r"(?:[\x00\x01\n]|\\n)[ \t]*```")
_COMMENTS: Final = (b"#", b"//", b"* ", b"-- ")
_LINE_BEGINS: Final = (END, b"\n", b"\\n")
_LOOK_BACK: Final = 120
# Somebody's own things: an account's ARN, an id with a prefix, an endpoint of a resource, an access key. Of tokens only
# what is in the place of an account says as much as what it is a token of: any name has one.
_OWNED: Final = Pattern(
    r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(?:[0-9]{12}|acct-x)|[a-z]-0[0-9a-f]{16}(?:[^0-9A-Za-z]|$)"
    r"|[a-z0-9]\.[a-z0-9.-]{1,60}\.amazonaws\.com"
    r"|(?:^|[^0-9A-Za-z])(?:AKIA|ASIA)[A-Z2-7]{16}"
    # Lines of a log.
    r"|(?:^|[\x00\x01\n\"]|\\n)(?:[^ \n]{1,60}:)?\[?20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"
)
# What is under a free licence is there for everybody to read, if it speaks of more than AWS: who builds on AWS alone
# has such lines above names as well.
_PUBLISHED: Final = Pattern(
    r"Licensed under the (?:Apache|GNU|MIT|Mozilla|terms of the MIT)|LICENSE-2\.0|Permission is hereby granted, free of"
    r"|Mozilla Public License|GNU (?:Affero |Lesser )?General Public"
    r"|under one or more\s+contributor license agreements|Redistribution and use in source and binary forms"
    r"|SPDX-License-Identifier: (?:AGPL|Apache|BSD|BlueOak|GPL|ISC|LGPL|MIT|MPL|Unlicense)"
)
# A history of changes, each with a link to it, or by version; so have the notes of who runs something.
_CHANGE: Final = (
    r"(?:github\.com/[^/\s]{1,60}/[^/\s]{1,60}/(?:commit|compare|issues|pull)/[0-9a-f]"
    r"|(?:[\x00\n]|\\n)#{1,4} \[?v?[0-9]{1,4}\.[0-9]{1,4}\.[0-9])"
)
_HISTORY: Final = Pattern(rf"(?s:(?:{_CHANGE}.*){{3}})")
_CHANGES: Final = Pattern(_CHANGE)
# What Kubernetes has to do with AWS, rather than with clouds in general: a region, and what runs on AWS alone.
_RUNS_ON_AWS: Final = Pattern(
    rf"{_REGION}|apiVersion\W{{1,6}}(?:[a-z0-9.-]*\.aws[./]|eksctl\.|karpenter\.)|kind\W{{1,6}}AWS[A-Z]|AWS/[A-Z]|/aws/[a-z]"
    r"|amazonaws|alb\.ingress\.kubernetes|karpenter\.sh|eksctl|command\W{1,6}aws|(?:resource|data|provider) \\*\"aws"
)
# What is written so for AWS, but in a text that names another cloud: products, constructs of the CDK, requests and
# commands of the SDKs. Angular has a CDK too, and so has Terraform.
_AWS_LIKE: Final = Pattern(
    r"(?:^|[^A-Za-z/])(?:CDK|cdk)(?:[^0-9A-Za-z/ ]|Toolkit| (?:[a-eg-z]|f[^o])|$)"
    r"|\([ \t\n]*(?:this|self|scope|stack), ?[\"'][A-Z][A-Za-z0-9]+[\"'],[ \t]*[{\n]"
    r"|\.from(?:[A-Z][A-Za-z]+|_[a-z_]+)\([ \t\r\n]*(?:this|self|scope|stack),[ \t\r\n]*[\"'][^\"'\n]{1,80}[\"'],"
    rf"|new (?:{_VERBS})[A-Z][A-Za-z0-9]*(?:Command\(\{{|Request\(\))"
    r"|Request [a-z][A-Za-z0-9]* = new [A-Z][A-Za-z0-9]*Request\(\)|[a-z][A-Za-z0-9]+Request\.builder\("
    # Products with a name of their own, others with the noun of what they hold.
    r"|(?:^|[^A-Za-z])(?:DynamoDB|CloudWatch|CloudFront|CloudTrail|ElastiCache|EventBridge|SageMaker|Fargate task)"
    # What clients, listeners and jobs for its services are called, and the steps of frameworks.
    r"|(?:^|[^A-Za-z0-9])(?:Athena|CloudFront|CloudWatch|Cognito|Dynamo(?:D[bB])?|Ec[rs2]|Eks|EventBridge|Firehose|Glue|Kinesis"
    r"|Redshift|S3|SageMaker|SecretsManager|S[nq]s|S[NQ]S|Ssm|StepFunctions?)(?:Async)?"
    r"(?:Bucket|Client|Consumer|Event|Handler|Hook|Job|Listener|Operator|Producer|Publisher|Queue|Sensor|Service|Stream"
    r"|Table|Template|Topic)(?:[A-Z(<> ;,.)]|$)"
    r"|on_(?:s[nq]s_message|s3_event|dynamodb_record|kinesis_record)\(|(?:^|[^A-Za-z])[cC]halice(?:lib)?(?:[^a-z]|$)"
    # Libraries for its services, and what stands in for them in tests.
    r"|DynamoDb[A-Z]|awswrangler|(?:aws|py|jdbc:)athena|[lL]ocal[sS]tack[^a-z]|@middy/|dynamoose|sqs-consumer|redshift_connector"
    r"|[sS]tateMachineName"
    # Services with a word of their own in the name of a variable, a method, a class.
    r"|(?:^|[^A-Za-z])(?:cloudfront|cloudwatch|codebuild|codepipeline|dynamodb|elasticache|eventbridge|fargate|firehose|kinesis"
    r"|sagemaker|secretsmanager)[A-Z_.]|(?:^|[^A-Za-z])(?:CLOUDFRONT|CLOUDWATCH|DYNAMODB|FIREHOSE|KINESIS|SNS|SQS)_|(?:^|[^A-Za-z])zappa(?:[^a-z]|$)"
    # And Python has lambda functions.
    r"|Lambda function|(?:^|[^A-Za-z])(?i:s3 bucket|sqs queue|sns topic|kinesis stream"
    r"|(?:ecs|eks|emr|msk|rds) (?:cluster|service|instance|task|node)|iam (?:role|user|group))"
    # Calls of boto3, through a client that is called like its service, or whatever client: words with dashes below, and
    # an argument in camel case.
    rf"|(?:^|[^A-Za-z0-9])(?:{_CLIENTS})\.(?:{_CALLS})(?:_[a-z_]+|[A-Z][A-Za-z]+)\("
    r"|\.(?:associate|create|delete|describe|get|list|put|register|start|stop|update)_[a-z_]+\("
    r"[ \t\r\n]*[a-z]+[A-Z][A-Za-z]*="
)
# Services by the names that they have in sentences, and actions of policies; others have S3 and queues too, so it
# takes a noun and a name to say more.
_MENTIONED: Final = Pattern(
    r"(?:^|[^A-Za-z0-9_/.-])(?:ALB|API Gateway|Athena|Beanstalk|CodeBuild|CodePipeline|Cognito|EC2|ECR|ECS|EFS|EKS|EMR|"
    r"FSx|GuardDuty|IAM|KMS|Lambdas?|MSK|NLB|RDS|Redshift|Route ?53|S3|SES|SNS|SQS|SSM|Secrets Manager|Security Hub|"
    r"Step Functions?|Textract|Batch job|[jJ]ob definition)"
    r"(?:[^A-Za-z0-9_/.-]|-[A-Z][a-z]|[.-](?:[^A-Za-z0-9]|$)|$)"
    r"|(?:^|[^A-Za-z0-9_-])[a-z][a-z0-9-]{1,20}:(?:Batch|Create|Delete|Describe|Get|Invoke|List|Publish|Put|Send|Start|Update)"
    r"[A-Z][A-Za-z]+|(?:^|[^A-Za-z0-9_-])(?:BatchGetItem|BatchWriteItem|DeleteItem|GetBucket[A-Z][a-z]+|GetItem|GetObject|"
    r"PutEvents|PutItem|PutObject|SendMessage|UpdateItem)(?:[^A-Za-z0-9]|$)"
    r"|(?:^|[ \n\x00\x01])(?:athena|aurora|cloudwatch|dynamodb|elasticache|eventbridge|opensearch|redshift"
    r"|sagemaker)[ ,.:]"
    r"|ConditionalCheckFailed|ProvisionedThroughput|[vV]isibility ?[tT]imeout|TooManyRequestsException"
    r"|ThrottlingException"
    r"|(?:^|[^A-Za-z0-9_.-])(?:(?:cache|dax|db|kafka|ml|mq|search)\.)?[a-z][0-9][a-z]*"
    r"\.(?:large|medium|metal|micro|small|[0-9]*xlarge)(?:[^A-Za-z0-9.]|\.[^A-Za-z]|$)"
    r"|(?:^|[^A-Za-z0-9_-])(?:the|that|this|our|an?) (?:dynamo|glue|kinesis|lambda|redshift|s3|sns|sqs) [a-z]"
    # Python has lambda: functions.
    r"|(?:^|[ \n\x00\x01(\"'`])(?:dynamodb|ecs|eks|iam|rds|s3|sns|sqs)\)?: "
    r"|(?:^|[ \n\x00\x01(\"'`])(?:dynamodb|ecs|eks|iam|lambda|rds|s3|sns|sqs)"
    r" (?:bucket|cluster|function|queue|role|service|table|topic|upgrade|user)[ ,.:]"
)
# Other clouds have the same keys, and buckets and clusters of their own; and Angular a CDK.
_ELSEWHERE_CLOUD: Final = Pattern(
    r"gs://|googleapis|[gG]oogle[-. ]?[cC]loud|cloud\.google|(?:^|[^a-z])gcloud |firebase|appspot\.com"
    r"|[dD]igital[oO]cean|[cC]loudflare|[^a-z]confluent\.(?:cloud|io)|_confluent|(?:^|[^A-Za-z])(?:KSQL|ksql)"
    r"|(?:core\.windows|azurecr|azurewebsites)\.[a-z]|azmk8s"
    r"|Microsoft\.[A-Z][a-z]+/|(?:^|[^a-z])x-ms-|(?:^|[^A-Za-z])(?:azure[._/-]|azurerm|Azure[ A-Z])"
    r"|(?:^|[^A-Za-z])(?:gcp|GCP|aliyun|alibabacloud|[eE]xoscale|hcloud|[hH]etzner|[lL]inode|[oO]penstack|OpenStack"
    r"|ovhcloud|[sS]caleway|[tT]encent|tencentcloud|cdk8s|cdktf|[uU]pcloud|[vV]ultr)(?:[^a-z]|$)|myqcloud|@angular/"
    r"|[^a-z]mat-[a-z]|resource_?[gG]roup_?[nN]ame|terraform-(?:azurerm|google)|BigQuery|(?:^|[^A-Za-z])(?:AKS|GKE|Pub/Sub)[^A-Za-z]"
    r"|(?:^|[^A-Za-z])OS_(?:AUTH_URL|PROJECT_|TENANT_|USERNAME)"
)
# Manifests of Kubernetes, templates of Helm, operators in Go, what Prometheus reads; what Terraform builds elsewhere.
_STRUCTURE: Final = Pattern(
    r"(?:resource|data) \\*\"(?:alicloud|azuread|azurerm|cloudflare|digitalocean|exoscale|google|hcloud|helm"
    r"|kubernetes|linode|oci|openstack|scaleway|vultr)_"
    r"|(?:[\x00\n]|\\n)[ ]*(?:- )?apiVersion: |\\*\"apiVersion\\*\"[ ]?:|[^A-Za-z]\.Values\."
    r"|\{\{-? *(?:include|template|define|toYaml|\.Chart|\.Release|\.Values)|(?:[\x00\n]|\\n)replicaCount: "
    r"|[\"./-]k8s\.io|kubernetes\.io/docs|io\.kubernetes\.|(?:core|meta)v1\.[A-Z]|(?:[\x00\n]|\\n)scrape_configs:"
    # Tests of charts.
    r"|(?:\n|\\n)[ ]+asserts:(?:\n|\\n)"
)
# Words for it and for what runs there; workflows and events of GitHub; playbooks.
_OTHERS: Final = Pattern(
    r"Kubernetes|[iI]stio[^a-z]|envoy\.[a-z]+\.|(?:\n|\\n)[ ]+runs-on:"
    r"|\"(?:full_name|head_commit|html_url|pull_request)\\*\""
    # Tasks of Ansible.
    r"|(?:\n|\\n)[ ]*(?:- )?(?:become|delegate_to|gather_facts|run_once|with_items|ansible\.[a-z]+\.[a-z_]+): "
)
_ELSEWHERE: Final = (_ELSEWHERE_CLOUD, _STRUCTURE, _OTHERS)
# Of Kubernetes, of GitHub, of npm, of Python's packages; descriptions of an API; rules of make.
_API_VERSION: Final = Pattern(r"apiVersion\W{1,6}[A-Za-z0-9./-]+")
_OF_AWS: Final = (b".aws", b"eksctl", b"karpenter")
_OWN_NAMES: Final = Pattern(
    r"(?:\n|\\n)[ ]+runs-on:|(?:[\x00\n]|\\n)scrape_configs:|\[{1,2}(?:package|project)\]"
    r"|[dD]ependencies\\*\":|(?:openapi|swagger)\W{1,4}[23]|(?:[\x00\n]|\\n)(?:Metadata-Version: |\.PHONY:)"
    # What an agent is told to be able to do.
    r"|[\x00\x01]---(?:\r?\n|\\n)name: [^\n\\]{1,80}(?:\r?\n|\\n)description: "
)
# Statements of a language in which programs are written, at the beginning of a line, which grep may have found.
_PROGRAM: Final = Pattern(
    r"(?:[\x00\n]|\\n)(?:[A-Za-z0-9_./-]{1,200}:[0-9]{1,6}:)?[ \t]*(?:import (?:[A-Za-z0-9_.{}*, ]+ from )?[\"']"
    r"|(?:import|use) [a-z_][A-Za-z0-9_.:]*(?:\r?\n|;|\\n)|[A-Z][A-Z0-9_]*(?:: [^=\n]{1,60})? = [\[{(]"
    r"|from [A-Za-z0-9_.]+ import |(?:async )?def [A-Za-z0-9_]+\(|class [A-Za-z0-9_]+[:({ ]|#include|func [A-Za-z(]"
    r"|package [a-z0-9_.]+;|(?:pub |async )*fn [a-z]|public (?:[a-z]+ )*(?:class|interface|enum|static|void) "
    r"|(?:(?:export|declare|async) )*(?:const|let|var|enum|interface|function) [A-Za-z0-9_${]+ ?[=:({;]"
    # SQL.
    r"|CREATE (?:OR REPLACE )?(?:EXTENSION|FUNCTION|INDEX|PROCEDURE|TRIGGER|TYPE|UNIQUE INDEX) [A-Za-z\"]"
    # Erlang; messages with their translations.
    r"|-(?:define|export|include(?:_lib)?|module)\(|msgid \""
    # C#, PHP and PowerShell.
    r"|(?:global )?using (?:static )?[A-Z][A-Za-z0-9_.]*;|namespace [A-Z][A-Za-z0-9_.]*(?:;|[ \t]*\{|\r?\n)"
    r"|<\?php|\$[A-Za-z_]+ ?= ?"
    r"|module\.exports|exports\.|\"use strict\"|'use strict'|(?:describe|it|test)\([\"'])"
    # Without line breaks, as bundlers write it.
    r"|[;{})](?:var|let|const) [A-Za-z_$]{1,3}=|function\([A-Za-z_$,]*\)\{|\)=>[{(]"
    r"|\"locale_data\":[ ]?\{"
)
# Nothing but settings in sections: names, an equals sign and something quoted, a number or a list of such; comments.
_SECTION: Final = Pattern(r"[\x00\n]\[{1,2}[A-Za-z0-9_.\" -]+\]{1,2}[ \t]*(?:#[^\n]*)?\r?\n")
_SETTING: Final = (
    r"[ \t]*(?:[A-Za-z0-9_.\"-]+[ \t]*=[ \t]*(?:\"[^\"\n]*\"|'[^'\n]*'|[0-9][0-9A-Za-z:.+_-]*|true|false|[\[{][^\n()]*)"
    r"|\"[^\"\n]*\"|[\]}]|\[{1,2}[^\[\]\n]+\]{1,2})?[ \t]*,?[ \t]*(?:(?:#|//)[^\n]*)?\r?"
)
_SETTINGS: Final = Pattern(rf"\x00{_SETTING}(?:\n{_SETTING})*\x00")
# What a page says in one language: keys of several words, sentences beside them, in JSON and in lines.
_SAID: Final = Pattern(
    r"\"(?:[A-Z][a-z]+){2,}[A-Z]*\\*\"[ ]?:[ ]?\\*\"[^\"\\ ]+(?:[ ][^\"\\ ]+){2,}"
    r"|\n[a-z]+(?:_[a-z]+)+[ ]?=[ ]?[^\"\s=]+(?:[ ][^\"\s=]+){2,}"
)
MIN_SAID: Final = 12
# So often AWS may be named in passing, and so much more often other clouds are then, or changes.
MAX_PASSING: Final = 3
OUTNUMBERED: Final = 4
CHANGES_OUTNUMBER: Final = 4


class Writing(Enum):
    """How a text is written."""

    # Statements of a program, among whatever else.
    PROGRAM = auto()
    # Sections of settings and nothing else.
    SETTINGS = auto()
    ANY = auto()


class _Piece:
    """One piece of a text, and what of it was looked at already."""

    __slots__ = ("aws", "elsewhere", "high", "low", "mentioned", "own", "owned", "said", "text", "writing")

    def __init__(self, text: bytes, low: int, high: int) -> None:
        self.text, self.low, self.high = text, low, high
        self.aws = False
        self.elsewhere: bool | None = None
        self.own: bool | None = None
        self.owned: bool | None = None
        self.said: bool | None = None
        self.mentioned: bool | None = None
        self.writing: Writing | None = None

    def finds(self, pattern: Pattern) -> bool:
        return pattern.search(self.text, self.low, self.high) is not None


class Subject:
    """What the pieces of one text speak of, looked at once each and only where it matters."""

    __slots__ = ("_now", "_pieces", "_text")

    def __init__(self, text: bytes) -> None:
        """Take texts put together, with END between them."""
        self._text = text
        self._now = _Piece(text, 0, 0)
        # By where they begin.
        self._pieces: dict[int, _Piece] = {}

    def piece(self, at: int) -> Span:
        """Return from where to where the piece around ``at`` goes."""
        now = self._at(at)
        return now.low, now.high

    def is_aws(self, at: int) -> bool:
        """Tell whether the piece around ``at`` speaks of AWS."""
        return self._at(at).aws

    def is_elsewhere(self, at: int) -> bool:
        """Tell whether the piece around ``at`` speaks of another cloud, or of Kubernetes, and never of AWS."""
        now = self._at(at)
        if now.elsewhere is None:
            now.elsewhere = not now.aws and any(now.finds(one) for one in _ELSEWHERE)
        return now.elsewhere

    def names_its_own(self, at: int) -> bool:
        """Tell whether the piece around ``at`` has names for its own parts: a manifest, a workflow, a package."""
        now = self._at(at)
        if now.own is None:
            now.own = now.finds(_OWN_NAMES) or any(
                not any(one in self._text[low:high] for one in _OF_AWS)
                for low, high in _API_VERSION.each(self._text, now.low, now.high)
            )
        return now.own

    def mentions_aws(self, at: int) -> bool:
        """Tell whether the piece around ``at`` speaks of AWS, or at least of a service as AWS calls it."""
        now = self._at(at)
        if now.mentioned is None:
            now.mentioned = now.aws or (
                now.finds(_MENTIONED)
                and self.writing(at) is not Writing.PROGRAM
                and not (self.is_elsewhere(at) or now.finds(_HISTORY))
            )
        return now.mentioned

    def is_owned(self, at: int) -> bool:
        """Tell whether the piece around ``at`` speaks of somebody's things on AWS, not of AWS in general."""
        now = self._at(at)
        if now.owned is None:
            now.owned = now.aws and now.finds(_OWNED)
        return now.owned

    def is_said(self, at: int) -> bool:
        """Tell whether the piece around ``at`` is what a page says in one language, and never speaks of AWS."""
        now = self._at(at)
        if now.said is None:
            told = islice(_SAID.each(now.text, now.low, now.high), MIN_SAID)
            now.said = not now.aws and len(list(told)) == MIN_SAID
        return now.said

    def writing(self, at: int) -> Writing:
        """Return how the piece around ``at`` is written."""
        now = self._at(at)
        if now.writing is None:
            now.writing = _writing(self._text, now.low, now.high)
        return now.writing

    def _at(self, at: int) -> _Piece:
        now = self._now
        if now.low <= at < now.high:
            return now
        # END itself is a boundary, so it belongs to the piece.
        low = max(0, self._text.rfind(END, 0, at))
        if low not in self._pieces:
            high = self._text.find(END, at)
            now = self._pieces[low] = _Piece(self._text, low, high if high >= 0 else len(self._text))
            _look(now)
        self._now = self._pieces[low]
        return self._now


def _look(piece: _Piece) -> None:
    """Find out whether a piece speaks of AWS."""
    piece.aws = piece.finds(_AWS)
    if piece.aws and not _uses_aws(piece):
        piece.writing = _writing(piece.text, piece.low, piece.high)
        piece.aws = piece.writing is not Writing.PROGRAM or piece.finds(_FENCE)
    if (piece.finds(_PUBLISHED) or piece.finds(_HISTORY)) and any(piece.finds(one) for one in _ELSEWHERE):
        # It speaks of AWS among others, as everybody does, unless it holds something of somebody's.
        piece.aws = piece.mentioned = piece.aws and piece.finds(_OWNED)
    elif piece.aws and _is_outnumbered(piece):
        piece.aws = piece.mentioned = piece.finds(_OWNED)
    elif piece.aws and piece.finds(_STRUCTURE):
        piece.aws = piece.finds(_RUNS_ON_AWS) or piece.finds(_OWNED)
    elif not piece.aws and piece.finds(_AWS_LIKE):
        piece.aws = all(not piece.finds(one) for one in _ELSEWHERE)


def _uses_aws(piece: _Piece) -> bool:
    """Tell whether a piece, if it is a program, has more to do with AWS than to name it a few times in comments."""
    for count, (low, _) in enumerate(_USES_AWS.each(piece.text, piece.low, piece.high), 1):
        if count > MAX_PASSING or not _is_comment(piece.text, piece.low, low):
            return True
    return piece.finds(_OWNED)


def _is_comment(text: bytes, low: int, at: int) -> bool:
    """Tell whether what stands at ``at`` is in a line of a comment of a program's."""
    before = text[max(low, at - _LOOK_BACK) : at + 1]
    line = before[max(before.rfind(mark, 0, -1) + len(mark) for mark in _LINE_BEGINS) :]
    return line.lstrip(b" \t").startswith(_COMMENTS)


def _is_outnumbered(piece: _Piece) -> bool:
    """Tell whether a piece names other clouds, or links to changes, far more often than it names AWS."""
    named = len(list(islice(_AWS.each(piece.text, piece.low, piece.high), MAX_PASSING + 1)))
    if named > MAX_PASSING:
        return False
    return any(
        len(list(islice(one.each(piece.text, piece.low, piece.high), named * more))) == named * more
        for one, more in ((_ELSEWHERE_CLOUD, OUTNUMBERED), (_CHANGES, CHANGES_OUTNUMBER))
    )


def _writing(text: bytes, low: int, high: int) -> Writing:
    if _PROGRAM.search(text, low, high) is not None:
        return Writing.PROGRAM
    if _SECTION.search(text, low, high) is not None and _SETTINGS.match(text, low, high + 1) >= 0:
        return Writing.SETTINGS
    return Writing.ANY
