# The stack in containers (docs/kong.md): needs Docker with Compose, and no Python.
.PHONY: env up down

env: ## Write .env with fresh secrets for the stack, unless there is one
	@scripts/stack.sh env

up: ## Start nginx, Kong and Redis in containers, on 127.0.0.1:8082; DEMO=1 with a fake API
	@DEMO=$(DEMO) scripts/stack.sh up

down: ## Stop the containers
	@scripts/stack.sh down
