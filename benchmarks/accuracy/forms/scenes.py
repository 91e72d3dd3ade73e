"""Whole texts with one content only: the AWS CLI's settings, logs, kubeconfigs, connection strings, policies."""

import json
import random

from benchmarks.accuracy import values
from benchmarks.accuracy.facts import Sample


def _sample(text: str, form: str, *gone: str) -> Sample:
    return Sample(text, gone, form, form, "made up")


def _key(chance: random.Random, prefix: str = "AKIA") -> str:
    return prefix + values.letters(chance, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def _secret(chance: random.Random) -> str:
    return "".join(chance.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/+") for _ in range(40))


def _address(chance: random.Random) -> str:
    return ".".join(str(chance.randrange(11, 99)) for _ in range(4))


def _cluster_host(chance: random.Random, name: str, region: str) -> str:
    return f"{name}.{values.letters(chance, 12)}.{region}.rds.amazonaws.com"


def s3_path(chance: random.Random) -> Sample:
    """Write ``aws s3`` and its kin: paths, and buckets without s3://."""
    bucket, other = values.bucket(chance), values.bucket(chance)
    text = chance.choice(
        (
            f"aws s3 cp s3://{bucket}/data/2024/part-0001.parquet s3://{other}/copy/ --recursive",
            f"aws s3 sync ./dist s3://{bucket} --delete && aws s3 rm s3://{other}/old.csv",
            f"aws s3 mb s3://{bucket}; aws s3 ls s3://{other}/",
            f"aws s3 ls {bucket}\naws s3 ls {other}/prefix/ --summarize",
            f"upload: ./a.csv to s3://{bucket}/a.csv\ndownload: s3://{other}/b.csv to ./b.csv",
            f"aws s3 presign s3://{bucket}/a.csv --expires-in 60; rclone ls s3a://{other}/x",
            f"$ aws s3 ls\n2023-01-31 10:11:12 {bucket}\n2024-05-31 10:11:12 {other}\n",
        )
    )
    return _sample(text, "aws s3 path", bucket, other)


def aws_config(chance: random.Random) -> Sample:
    """Write ~/.aws/config, with profiles, roles and single sign-on."""
    profile, source, role, account = (
        values.name(chance, styles="kebab dashes mixed"),
        values.name(chance, styles="kebab dashes digits"),
        values.name(chance, styles="pascal kebab mixed"),
        values.account(chance),
    )
    portal = f"{values.invented(chance)}-{values.invented(chance)}"
    text = (
        f"[default]\nregion = eu-west-1\noutput = json\n\n[profile {profile}]\n"
        f"role_arn = arn:aws:iam::{account}:role/{role}\nsource_profile = {source}\nregion = us-east-1\n\n"
        f"[profile {source}]\nsso_start_url = https://{portal}.awsapps.com/start\nsso_account_id = {account}\n"
        f"sso_role_name = {role}\n\n[sso-session {source}-sso]\nsso_start_url = https://{portal}.awsapps.com/start#\n"
    )
    return _sample(text, "~/.aws/config", profile, source, role, account, portal)


def aws_credentials(chance: random.Random) -> Sample:
    """Write ~/.aws/credentials."""
    profile = values.name(chance, styles="kebab dashes mixed")
    key, secret, temporary, other = _key(chance), _secret(chance), _key(chance, "ASIA"), _secret(chance)
    token = "IQoJb3JpZ2luX2VjE" + _secret(chance) * 4 + "=="
    equals = chance.choice((" = ", "="))
    text = (
        f"[default]\naws_access_key_id{equals}{key}\naws_secret_access_key{equals}{secret}\n\n[{profile}]\n"
        f"aws_access_key_id{equals}{temporary}\naws_secret_access_key{equals}{other}\naws_session_token{equals}{token}\n"
    )
    return _sample(text, "~/.aws/credentials", profile, key, secret, temporary, other, token)


def flow_log(chance: random.Random) -> Sample:
    """Write lines of a VPC flow log, of version 2 or with more fields."""
    account, interface = values.account(chance), f"eni-{values.hexadecimal(chance, 17)}"
    public = _address(chance)
    text = f"2 {account} {interface} 172.31.16.139 {public} 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n"
    gone = [account, interface, "172.31.16.139", public]
    if chance.random() < 0.5:
        network, subnet, instance = (f"{kind}-{values.hexadecimal(chance, 17)}" for kind in ("vpc", "subnet", "i"))
        text += f"3 {network} {subnet} {instance} {interface} {account} IPv4 {public} 10.40.2.236 443 5001 ACCEPT az1\n"
        gone += [network, subnet, instance, "10.40.2.236"]
    else:
        text += f"2 {account} {interface} - - - - - - - 1431280876 1431280934 - NODATA\n"
    return _sample(text, "VPC flow log", *gone)


def kubeconfig(chance: random.Random) -> Sample:
    """Write what ``aws eks update-kubeconfig`` writes."""
    name, account, region = values.name(chance, styles="kebab dashes mixed"), values.account(chance), "eu-west-1"
    host = values.letters(chance, 32, "0123456789ABCDEF")
    arn = f"arn:aws:eks:{region}:{account}:cluster/{name}"
    profile = values.name(chance, styles="kebab dashes")
    text = (
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t\n"
        f"    server: https://{host}.gr7.{region}.eks.amazonaws.com\n  name: {arn}\ncontexts:\n- context:\n"
        f"    cluster: {arn}\n    user: {arn}\n  name: {name}\ncurrent-context: {name}\nkind: Config\n"
        f"users:\n- name: {arn}\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n"
        f"      args:\n      - --region\n      - {region}\n      - eks\n      - get-token\n      - --cluster-name\n"
        f"      - {name}\n      command: aws\n      env:\n      - name: AWS_PROFILE\n        value: {profile}\n"
    )
    return _sample(text, "kubeconfig", name, account, host, profile)


def connection_string(chance: random.Random) -> Sample:
    """Write URLs of databases, caches and brokers, with user, password and database."""
    name, user = values.name(chance, styles="kebab dashes"), values.name(chance, styles="snake digits")
    database, password = values.name(chance, styles="snake digits"), values.letters(chance, 16)
    host = _cluster_host(chance, name, "eu-west-1")
    text = chance.choice(
        (
            f"DATABASE_URL=postgres://{user}:{password}@{host}:5432/{database}?sslmode=require",
            f'"url": "postgresql+psycopg2://{user}:{password}@{host}/{database}"',
            f"mysql://{user}:{password}@{host}:3306/{database}",
            f"host={host} port=5432 dbname={database} user={user} password={password} sslmode=require",
            f"Server={host},1433;Database={database};User Id={user};Password={password};Encrypt=true",
            f"mongodb://{user}:{password}@{host.replace('rds', 'docdb')}:27017/{database}?tls=true&retryWrites=false",
            f"PGPASSWORD={password} psql -h {host} -U {user} -d {database} -c 'select 1'",
            f"mysql -h {host} -u {user} -p{password} {database}",
        )
    )
    return _sample(text, "connection string", name, user, password, database)


def jdbc_url(chance: random.Random) -> Sample:
    """Write JDBC URLs."""
    name, user = values.name(chance, styles="kebab dashes"), values.name(chance, styles="snake digits")
    database, password = values.name(chance, styles="snake digits"), values.letters(chance, 16)
    region = chance.choice(values.REGIONS)
    host = _cluster_host(chance, name, region)
    text = chance.choice(
        (
            f"jdbc:postgresql://{host}:5432/{database}?user={user}&password={password}&ssl=true",
            (
                f"spring.datasource.url=jdbc:mysql://{host}:3306/{database}?useSSL=true\n"
                f"spring.datasource.username={user}\nspring.datasource.password={password}\n"
            ),
            f"jdbc:redshift:iam://{host.replace('rds', 'redshift')}:5439/{database}?DbUser={user}&Password={password}",
            f"jdbc:sqlserver://{host}:1433;databaseName={database};user={user};password={password};encrypt=true",
            f"jdbc:aws-wrapper:mysql://{user}:{password}@{host}/{database}",
            f'props.put("url", "jdbc:mariadb:aurora://{host}/{database}?user={user}&password={password}");',
        )
    )
    return _sample(text, "JDBC URL", name, user, password, database)


def s3_access_log(chance: random.Random) -> Sample:
    """Write a line of S3's server access log."""
    bucket, owner, account = values.bucket(chance), values.hexadecimal(chance, 64), values.account(chance)
    role = values.name(chance, styles="pascal kebab")
    public = _address(chance)
    text = (
        f"{owner} {bucket} [06/Feb/2019:00:00:38 +0000] {public} arn:aws:sts::{account}:assumed-role/{role}/app "
        f'3E57427F3EXAMPLE REST.GET.OBJECT a/b.csv "GET /{bucket}/a/b.csv?versionId=null HTTP/1.1" 200 - 113 113 7 6 '
        f'"-" "S3Console/0.4" - hostid= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader '
        f"{bucket}.s3.eu-west-1.amazonaws.com TLSV1.2\n"
    )
    return _sample(text, "S3 access log", owner, bucket, public, account, role)


def iam_policy(chance: random.Random) -> Sample:
    """Write a policy, with conditions that hold names and numbers of their own."""
    bucket, role, table, account = (
        values.bucket(chance),
        values.name(chance, styles="pascal kebab mixed"),
        values.name(chance, styles="snake kebab"),
        values.account(chance),
    )
    organization = f"o-{values.letters(chance, 10)}"
    endpoint = f"vpce-{values.hexadecimal(chance, 17)}"
    other = "850148296371"
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ReadAndWrite",
                "Effect": "Allow",
                "Principal": {"AWS": [f"arn:aws:iam::{account}:role/{role}", other]},
                "Action": ["s3:GetObject", "s3:PutObject", "dynamodb:Query"],
                "Resource": [
                    f"arn:aws:s3:::{bucket}",
                    f"arn:aws:s3:::{bucket}/*",
                    f"arn:aws:dynamodb:*:{account}:table/{table}",
                ],
                "Condition": {
                    "StringEquals": {"aws:PrincipalOrgID": organization, "aws:SourceVpce": endpoint},
                    "StringLike": {"aws:SourceAccount": account, "s3:prefix": ["home/*"]},
                },
            }
        ],
    }
    indent = chance.choice((None, 2, 4))
    return _sample(
        json.dumps(document, indent=indent), "IAM policy", bucket, role, table, account, organization, endpoint, other
    )
