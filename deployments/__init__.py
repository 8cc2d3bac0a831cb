"""How ratchet starts and where it runs: the command, the local servers, the runners.

- `commands/`: the `ratchet` command, a file for each family of commands
- `prefect_api.py`, `flow_run.py`: what the command and the stack ask Prefect's server
- `stack.py`, `processes.py`, `migration.py`: the servers that `ratchet up` starts on one machine
- `runner.py`: the process that serves each model's deployments and starts their flow runs

Not here: the order of the work (flows/), the work itself (tasks/).
"""
