#!/bin/sh
# The stack in containers: `make up`, `make down` and `make env` call this.
#
#   stack.sh env     write .env with fresh secrets, mode 0600; one that is there is left as it is
#   stack.sh up      the same, then build, start, and wait until requests are served; DEMO=1 for the fake API
#   stack.sh down    stop and remove the containers; all volumes (what Redis stores, masked bodies) and .env stay
#
# WAIT_SECONDS (300) is how long `up` waits.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "aws-masker: $*" >&2; }
die() { say "$@"; exit 1; }

compose() {
  if docker compose version >/dev/null 2>&1; then docker compose "$@"
  elif command -v docker-compose >/dev/null; then docker-compose "$@"
  else die "needs Docker with Compose: install docker and its compose plugin (https://docs.docker.com/compose/install)"
  fi
}

random() { od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n'; }

write_env() {
  if [ -e .env ]; then
    for name in AWS_MASKER_KEY REDIS_PASSWORD; do
      grep -q "^$name=." .env || die ".env has no $name: add a line $name=… with 64 hexadecimal digits, or remove .env"
    done
    return 0
  fi
  draft=$(umask 077 && mktemp .env.XXXXXX)
  trap 'rm -f "$draft"' EXIT
  {
    echo "# Secrets of the stack, made by \`make up\`. Keep this file: with another key all tokens are others, and nothing that"
    echo "# was masked can be restored."
    echo "AWS_MASKER_KEY=$(random)"
    echo "REDIS_PASSWORD=$(random)"
  } >"$draft"
  # A link, unlike a rename, fails where the name is taken: nothing is ever overwritten.
  ln "$draft" .env
  rm -f "$draft"
  trap - EXIT
  say "wrote .env with fresh secrets"
}

port() {
  value=${AWS_MASKER_PORT:-$(sed -n 's/^AWS_MASKER_PORT=//p' .env | tail -n 1)}
  printf '%s' "${value:-8082}"
}

health_of() {
  identifier=$(compose ps -q "$1" 2>/dev/null | head -n 1)
  [ -n "$identifier" ] && docker inspect --format '{{.State.Health.Status}}' "$identifier" 2>/dev/null
}

wait_for() {
  deadline=$(($(date +%s) + ${WAIT_SECONDS:-300}))
  until [ "$(health_of "$1")" = healthy ]; do
    if [ "$(date +%s)" -ge "$deadline" ]; then
      compose ps >&2
      compose logs --tail 20 "$1" >&2
      die "$1 is not healthy after ${WAIT_SECONDS:-300} s: the lines above say why; \`docker compose logs\` shows all"
    fi
    sleep 1
  done
}

up() {
  write_env
  services="redis kong nginx"
  if [ "${DEMO:-}" ]; then
    export AWS_MASKER_UPSTREAM=http://fake-api:8090
    services="$services fake-api"
  fi
  compose build kong
  # Naming a service starts it, whatever its profile.
  # shellcheck disable=SC2086
  compose up -d $services
  for service in $services; do wait_for "$service"; done
  url="http://127.0.0.1:$(port)"
  say "serving at $url"
  if [ "${DEMO:-}" ]; then
    say "the API is a fake one; try, here or in a container:"
    printf '%s\n' "  ANTHROPIC_BASE_URL=$url ANTHROPIC_API_KEY=made-up claude" >&2
    printf '%s\n' "  AWS_MASKER_UPSTREAM=$AWS_MASKER_UPSTREAM ANTHROPIC_API_KEY=made-up docker compose run --rm claude-code-sdk" >&2
  else
    printf '%s\n' "  ANTHROPIC_BASE_URL=$url claude" >&2
  fi
}

down() {
  # Compose wants its variables even to stop.
  export AWS_MASKER_KEY="${AWS_MASKER_KEY:-unused}" REDIS_PASSWORD="${REDIS_PASSWORD:-unused}"
  compose --profile demo --profile cli --profile page --profile observability down --remove-orphans
}

case "${1:-}" in
  env) write_env ;;
  up) up ;;
  down) down ;;
  *) die "usage: stack.sh env | up | down" ;;
esac
