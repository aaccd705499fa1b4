"""Documented commands that no test runs as they stand, with the reason and with what runs them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Elsewhere:
    """Why a command is not run here, and the file and text that show that it works."""

    why: str
    file: str
    text: str


ELSEWHERE = {
    "make test": Elsewhere("CI runs it, and this test within it", ".ci/run", "make test"),
    "make acceptance": Elsewhere("CI runs it, and this within it", ".ci/run", "make acceptance"),
    "make lint": Elsewhere("CI runs it on the whole tree", ".ci/run", "make lint"),
    "make runtime-matrix": Elsewhere("CI runs it", ".ci/run", "make runtime-matrix"),
    "make check": Elsewhere("CI runs both parts", "Makefile", "check: lint test"),
    "make format": Elsewhere(
        "rewrites the tree, and lint holds what it does", "Makefile", "ruff format --check ."
    ),
    "make coverage": Elsewhere("runs the quick tests again", "Makefile", "--cov-report=html"),
    "make ui PORT=4300": Elsewhere(
        "make ui is run below, on its own port", "Makefile", "flows.local_server $(PORT)"
    ),
    'pytest -m "not acceptance"': Elsewhere(
        "is what make test does", "Makefile", '$(PYTEST) -m "not acceptance"\n'
    ),
    **dict.fromkeys(
        (
            "docker build --file examples/pools/Dockerfile --tag slmrec .",
            'pip install -c constraints.txt "prefect-docker" "prefect-kubernetes"',
            "prefect work-pool create slmrec-docker --type docker",
            "prefect work-pool create slmrec-pods --type kubernetes --base-job-template "
            "examples/pools/pods.json",
            "prefect deploy --all --prefect-file examples/pools/prefect.yaml",
            "prefect worker start --pool slmrec-docker",
        ),
        Elsewhere(
            "needs Docker or a cluster; what is known without is tested",
            "tests/pipeline/test_pools.py",
            "def test_a_pod_gets_the_claim_that_holds_the_checkout",
        ),
    ),
    **dict.fromkeys(
        (
            "git clone URL slmrec",
            "cp -a BACKUP slmrec/.state",
            "cd slmrec",
            "git clone --no-checkout . .state/retrain/repository",
            "git -C .state/retrain/repository fetch URL retrain:retrain "
            "'refs/tags/slmrec@v*:refs/tags/slmrec@v*'",
            "git clone --branch slmrec@vVERSION URL restored",
            "cd restored",
        ),
        Elsewhere(
            "needs a machine that was lost; a test loses one",
            "tests/pipeline/test_disaster.py",
            "def test_a_new_machine_goes_on_from_the_remotes_and_a_copy_of_the_state",
        ),
    ),
    "pytest -m gpu": Elsewhere(
        "skips all where there is no GPU", "pyproject.toml", '"gpu: needs a CUDA device'
    ),
    "pre-commit install": Elsewhere(
        "writes into .git; a test compares its hooks with make lint",
        "tests/pipeline/test_pages.py",
        "def test_the_hooks_run_what_make_lint_runs",
    ),
    "slmrec bench BUNDLE": Elsewhere(
        "takes seconds for each of twelve rows; a test runs it for none",
        "tests/test_bundle_commands.py",
        "def test_bench_prints_a_table_and_writes_the_same_figures",
    ),
    "slmrec bench BUNDLE --threads 1 --student artifacts/student/student --json bench.json": (
        Elsewhere(
            "likewise; torch beside it has a test of its own",
            "tests/evaluation/test_eager_serving.py",
            "def test_a_model_is_run_on_the_newest_histories",
        )
    ),
    "slmrec score BUNDLE HISTORIES OUT": Elsewhere(
        "wants histories in Parquet; a test makes some and runs it on them",
        "tests/scoring/test_commands.py",
        "def test_histories_become_lists_and_oddities_are_said",
    ),
    "slmrec embed BUNDLE HISTORIES OUT": Elsewhere(
        "wants histories in Parquet; a test makes some and runs it on them",
        "tests/scoring/test_commands.py",
        "def test_histories_become_vectors_and_oddities_are_said",
    ),
    "slmrec add-items BUNDLE items.csv OUT": Elsewhere(
        "wants a bundle whose items have titles; a test makes one and runs it on that",
        "tests/export/test_add_command.py",
        "def test_the_command_needs_no_torch",
    ),
    "slmrec export-triton BUNDLE REPOSITORY": Elsewhere(
        "needs a folder that is new each time; a test gives it one",
        "tests/test_bundle_commands.py",
        "def test_a_triton_repository_is_written_once",
    ),
    "slmrec monitor current --served LOG": Elsewhere(
        "wants a published version and a log; a test makes both",
        "tests/registry/test_monitor_command.py",
        "def test_an_alarm_is_one_line_and_exit_code_4",
    ),
    "slmrec monitor 1.0.1 --served LOG --clicks EVENTS --json monitor.json": Elsewhere(
        "wants a published version and a log; a test makes both",
        "tests/registry/test_monitor_command.py",
        "def test_an_alarm_is_one_line_and_exit_code_4",
    ),
    "slmrec monitor current": Elsewhere(
        "wants a published version and a log; a test makes both",
        "tests/registry/test_monitor_command.py",
        "def test_an_alarm_is_one_line_and_exit_code_4",
    ),
    "python -m examples.service .state/registry --port 8080": Elsewhere(
        "runs until it is stopped; tests start it on a port of their own",
        "tests/support/examples.py",
        '"-m", "examples.service"',
    ),
    "python -m examples.vector_search BUNDLE --history 50,181 --title-words Star": Elsewhere(
        "wants titles with that word; a test runs it on a small bundle",
        "tests/examples/vector_search/test___main__.py",
        "def test_it_prints_the_list_of_a_history",
    ),
    "slmrec fetch-demo": Elsewhere(
        "needs the package index; CI runs it within make repro", "Makefile", "|| slmrec fetch-demo"
    ),
    "slmrec init": Elsewhere(
        "would time training steps of logs with settings already; a test runs it on fresh ones",
        "tests/init/test_command.py",
        "def test_what_is_written_is_valid_and_the_same_for_the_same_files",
    ),
    ".venv/bin/slmrec init": Elsewhere(
        "would time training steps of logs with settings already; a test runs it on fresh ones",
        "tests/init/test_command.py",
        "def test_what_is_written_is_valid_and_the_same_for_the_same_files",
    ),
    "slmrec init --sequence lines": Elsewhere(
        "is of logs without any order; a test looks at such",
        "tests/init/test_doubts.py",
        "def test_lines_are_in_order_where_a_person_says_so",
    ),
    "slmrec init --budget 45m": Elsewhere(
        "times training steps of full size; a test runs it with made-up times",
        "tests/init/test_command.py",
        "def test_a_budget_cuts_and_says_what",
    ),
    "slmrec tune": Elsewhere(
        "is how the pages call the commands below",
        "tests/tuning/test_command.py",
        "def test_what_is_better_is_shown_and_written_only_where_asked_for",
    ),
    "slmrec tune --budget 2h": Elsewhere(
        "searches for two hours; a test runs it by number of trials",
        "tests/tuning/test_command.py",
        "def test_what_is_better_is_shown_and_written_only_where_asked_for",
    ),
    "slmrec tune --budget 2h --apply": Elsewhere(
        "searches for two hours; a test runs it by number of trials",
        "tests/tuning/test_command.py",
        "def test_what_is_better_is_shown_and_written_only_where_asked_for",
    ),
    "make gpu": Elsewhere(
        "needs a GPU; its CPU half is tested, the rest where there is one",
        "tests/benchmarks/test_gpu.py",
        "def test_every_way_on_a_gpu_gives_the_lists_of_the_cpu",
    ),
    "dvc exp run": Elsewhere(
        "is the name of the command above it", "README.md", ".venv/bin/dvc exp run -S"
    ),
    "python -m flows.deploy": Elsewhere(
        "needs a server; a test runs what it does on one",
        "tests/flows/test_deploy.py",
        'assert deploy() == ["daily", "retrain", "retrain-warm", "watch", "evaluate-only"]',
    ),
    "python -m tests.support.server_restarts FOLDER": Elsewhere(
        "takes minutes; a test does it once for each end",
        "tests/flows/test_local_server.py",
        "def test_after_a_power_cut_and_after_ctrl_c_the_next_run_goes_on",
    ),
    **dict.fromkeys(
        (
            "make retrain",
            "make retrain LANDING=/srv/landing",
            "make retrain LANDING=/srv/landing OPTIONS=--dry-run",
            "make retrain LANDING=/srv/landing OPTIONS=--warm",
            'make retrain LANDING=/srv/landing OPTIONS="--budget-minutes 90"',
            'make retrain LANDING=/srv/landing OPTIONS="--gate baselines"',
            'make retrain LANDING=/srv/landing OPTIONS="--refit 2%,1%"',
        ),
        Elsewhere(
            "wants a landing folder and runs for minutes; a test runs it on one",
            "tests/flows/test_retrain.py",
            "def test_from_a_first_version_to_a_day_that_is_kept_back",
        ),
    ),
    **dict.fromkeys(
        (
            "slmrec publish",
            "slmrec publish --dry-run",
            "slmrec versions",
            "slmrec compare 1.0.0 current",
            "slmrec rollback",
            "slmrec push current --to folder --folder hub",
        ),
        Elsewhere(
            "wants a model that beats counting; a test runs it on two that do",
            "tests/registry/test_commands.py",
            "def test_the_commands_of_the_page_in_their_order",
        ),
    ),
    **dict.fromkeys(
        (
            "slmrec push current --to hf --name OWNER/NAME",
            "slmrec push current --to mlflow --name shop --uri http://127.0.0.1:5000",
        ),
        Elsewhere(
            "needs a server; tests run it on MLflow's store in files, and without the hub",
            "tests/registry/test_push.py",
            "def test_mlflow_gets_a_run_and_a_registered_version_once",
        ),
    ),
    "ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node": Elsewhere(
        "needs the npm registry; run where that is reached",
        "tests/pipeline/test_consumers.py",
        '"npm", "install"',
    ),
    "python -m slmrec.stages.NAME INPUTS OUTPUT": Elsewhere(
        "is the form of all stages, which make repro runs",
        "dvc.yaml",
        "python -m slmrec.stages.prepare data artifacts/events",
    ),
    "python -m tests.support.readme_map": Elsewhere(
        "rewrites pages; a test compares them with what it writes",
        "tests/pipeline/test_readme.py",
        "assert written_map(page) == MAPS[page]()",
    ),
}
