"""How ratchet starts and where it runs: the command, the local servers, the runners.

- `commands/`: the `ratchet` command, a file for each family of commands
- `prefect_api.py`, `flow_run.py`: what the command and the stack ask Prefect's server
- `stack.py`: the servers and runners that `ratchet up` starts on one machine; beside it their
  command lines (`launch.py`), processes (`processes.py`) and readiness (`readiness.py`), the
  upgrade of their databases (`migration.py`) and the record of what runs (`running_stack.py`)
- `runner.py`: the process that serves each model's deployments and starts their flow runs

Not here: the order of the work (flows/), the work itself (tasks/).
"""
