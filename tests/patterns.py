"""The resource patterns that this project was first asked for: one text for each, as Claude Code would send it.

Marks «…» stand around what must not leave as it is; of a private address, the host part may. All values are made up.
Some patterns have several forms (a queue has an ARN and a URL); each form is a row of its own, and rows of one name
belong together.
"""

from dataclasses import dataclass

from masking import plain

_ACCOUNT = "«481516234217»"
_ARN = f"arn:aws:{{}}:eu-west-1:{_ACCOUNT}:{{}}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A kind of resource by its name, and a text with marks around what identifies one."""

    name: str
    marked: str

    @property
    def text(self) -> str:
        """The text as a person would write it."""
        return plain(self.marked)

    @property
    def originals(self) -> tuple[str, ...]:
        """What must not leave, in the order of the text."""
        return tuple(part.partition("»")[0] for part in self.marked.split("«")[1:])


_ROWS = (
    ("EC2 instance", "aws ec2 stop-instances --instance-ids «i-0a1b2c3d4e5f60718»"),
    ("AMI", "launched from «ami-0a1b2c3d4e5f60718»"),
    ("EBS volume", "attach «vol-0a1b2c3d4e5f60718»"),
    ("EBS snapshot", "restore «snap-0a1b2c3d4e5f60718»"),
    ("security group", "open port 443 in «sg-0a1b2c3d4e5f60718»"),
    ("subnet", "place it in «subnet-0a1b2c3d4e5f60718»"),
    ("VPC", "peer with «vpc-0a1b2c3d4e5f60718»"),
    ("internet gateway", "route 0.0.0.0/0 to «igw-0a1b2c3d4e5f60718»"),
    ("NAT gateway", "route 0.0.0.0/0 to «nat-0a1b2c3d4e5f60718»"),
    ("VPN connection", "the tunnel of «vpn-0a1b2c3d4e5f60718» is down"),
    ("transit gateway", "attach it to «tgw-0a1b2c3d4e5f60718»"),
    ("EFS file system", "mount «fs-0a1b2c3d4e5f60718»"),
    ("private IPv4", "ssh ec2-user@«10.42.17.8»"),
    ("public IPv4", "curl http://«52.201.238.220»/health"),
    ("IPv6", "ping6 «2a05:d018:1f3:aa00::7»"),
    ("S3 bucket", "aws s3 ls s3://«zephyr-media-archive»/2026/"),
    ("S3 log bucket", "aws s3api get-bucket-logging --bucket «zephyr-access-logs»"),
    ("RDS instance", "aws rds describe-db-instances --db-instance-identifier «zephyr-orders-db»"),
    ("RDS cluster", "aws rds describe-db-clusters --db-cluster-identifier «zephyr-orders-aurora»"),
    ("RDS snapshot", "aws rds describe-db-snapshots --db-snapshot-identifier «zephyr-before-upgrade»"),
    ("any ARN", f"what is {_ARN.format('backup', 'backup-vault:«zephyr-vault-three»')}?"),
    ("account id", f"aws sts get-caller-identity says account {_ACCOUNT}"),
    ("access key id", "AWS_ACCESS_KEY_ID=«AKIAIOSFODNN7EXAMPLE»"),
    ("secret access key", "aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»"),
    ("session token", f"AWS_SESSION_TOKEN=«IQoJb3JpZ2luX2VjEJr{'madeUpToken7' * 12}»"),
    ("IAM role", f"assume arn:aws:iam::{_ACCOUNT}:role/«ZephyrDeployRole»"),
    ("IAM user", "aws iam get-user --user-name «zephyr-build-bot»"),
    ("Lambda function", "aws lambda invoke --function-name «zephyr-nightly-sync» out.json"),
    ("Lambda layer", f"layers: {_ARN.format('lambda', 'layer:«zephyr-shared-layer»:3')}"),
    ("ECS cluster", "aws ecs describe-clusters --clusters «zephyr-fargate»"),
    ("ECS service", _ARN.format("ecs", "service/«zephyr-fargate»/«zephyr-checkout-api»")),
    ("ECS task", _ARN.format("ecs", "task/«zephyr-fargate»/«0f9e8d7c6b5a49382716050493827160»")),
    ("ECS task definition", _ARN.format("ecs", "task-definition/«zephyr-checkout»:42")),
    ("EKS cluster", _ARN.format("eks", "cluster/«zephyr-platform»")),
    (
        "EKS node group",
        "aws eks describe-nodegroup --cluster-name «zephyr-platform» --nodegroup-name «zephyr-spot-nodes»",
    ),
    ("load balancer", "curl https://«zephyr-front-1208765432».eu-west-1.elb.amazonaws.com/health"),
    ("CloudFormation stack", "aws cloudformation describe-stacks --stack-name «zephyr-network-base»"),
    ("SNS topic", _ARN.format("sns", "«zephyr-oncall»")),
    ("SQS queue", _ARN.format("sqs", "«zephyr-invoices»")),
    ("SQS queue", f"https://sqs.eu-west-1.amazonaws.com/{_ACCOUNT}/«zephyr-invoices»"),
    ("DynamoDB table", "aws dynamodb scan --table-name «zephyr-carts»"),
    ("DynamoDB stream", _ARN.format("dynamodb", "table/«zephyr-carts»/stream/2026-05-31T10:11:12.345")),
    ("KMS key", _ARN.format("kms", "key/«1234abcd-12ab-34cd-56ef-1234567890ab»")),
    ("KMS alias", "aws kms describe-key --key-id alias/«zephyr-payments-key»"),
    ("Secrets Manager secret", _ARN.format("secretsmanager", "secret:«zephyr-db-password-AbCdEf»")),
    ("SSM parameter", _ARN.format("ssm", "parameter/«zephyr-shop»/«zephyr-db-url»")),
    ("Route 53 hosted zone", "/hostedzone/«Z0681547Z82L3THDFSCZ»"),
    ("Route 53 health check", '"HealthCheckId": "«9359372c-3845-4998-8cb4-f617ed711376»"'),
    ("API Gateway", "https://«gy415nuibc».execute-api.eu-west-1.amazonaws.com/prod"),
    ("API Gateway", "arn:aws:apigateway:eu-west-1::/restapis/«gy415nuibc»/stages/prod"),
    ("CloudWatch log group", "aws logs tail /aws/lambda/«zephyr-nightly-sync» --follow"),
    ("CloudWatch log stream", "--log-stream-name '2026/05/31/[$LATEST]«b7c1cde3353a482bb73063c193240d0b»'"),
    ("ACM certificate", _ARN.format("acm", "certificate/«1234abcd-12ab-34cd-56ef-1234567890ac»")),
    ("ECR repository", f"docker pull {_ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/«zephyr-checkout»:1.2"),
    ("CloudFront distribution", "aws cloudfront get-distribution --id «E1A2B3C4D5E6F7»"),
    ("CloudFront distribution", "https://«d111111abcdef8».cloudfront.net/logo.png"),
    ("ElastiCache cluster", "aws elasticache describe-cache-clusters --cache-cluster-id «zephyr-sessions»"),
    ("ElastiCache endpoint", "redis-cli -h «zephyr-sessions».«abc123».0001.euw1.cache.amazonaws.com"),
    ("Redshift cluster", "aws redshift describe-clusters --cluster-identifier «zephyr-warehouse»"),
    ("OpenSearch domain", "aws opensearch describe-domain --domain-name «zephyr-catalog-search»"),
    ("Elasticsearch domain", "https://vpc-«zephyr-catalog»-«ug4l2nqtnwwrktaeagxsqso27u».eu-west-1.es.amazonaws.com"),
    ("Kinesis stream", "aws kinesis describe-stream --stream-name «zephyr-clicks»"),
    ("Step Functions state machine", _ARN.format("states", "stateMachine:«ZephyrSettlement»")),
    ("Batch job queue", _ARN.format("batch", "job-queue/«zephyr-renders»")),
    ("Athena workgroup", "aws athena get-work-group --work-group «zephyr-analysts»"),
    ("SageMaker endpoint", "aws sagemaker describe-endpoint --endpoint-name «zephyr-ranking»"),
    ("Glue job", "aws glue get-job --job-name «zephyr-ingest-orders»"),
    ("CodeCommit repository", "git clone https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/«zephyr-infra-live»"),
)

PATTERNS = tuple(Pattern(name, marked) for name, marked in _ROWS)
