"""Search of settings on dev macro-F1: python -m train sweep CONFIG [key=value …] --over SWEEP.yaml

Each trial is a run in `runs/NAME-sweep/trial-000`, …; `best.yaml` there is the config of the best one, `trials.md` and
`trials.tsv` say what all of them came to. Settings are drawn by TPE (Bergstra et al. 2011) under the sweep's seed; the
neural kinds are judged after each epoch and cut short below the median of the others (Optuna). The same command goes
on after a kill, with the trials that an unbroken sweep would have made.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isnad.config import dump
from isnad.errors import IsnadError
from isnad.files import write_whole
from train.checkpoints import encoder_mark
from train.config import RunConfig, TransformerConfig
from train.processes import processes
from train.seeds import last_dev
from train.space import METRIC, Parameter, SweepConfig, accepted
from train.watch import Row, State, Stopped, held, watched

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

log = logging.getLogger("train")

JOURNAL = "journal.log"
BEST = "best.yaml"
FAILURES = 3
"""So many trials that fail one after the other end the sweep: it is not their settings."""


class Pruned(Stopped):
    """The trial is below the median of the others at the same epoch."""

    state: State = "pruned"


class Pruning:
    """A watcher that gives dev macro-F1 after each epoch to a trial and raises `Pruned` when the trial is not worth
    going on with."""

    def __init__(self, trial: Trial, known: Sequence[int]) -> None:
        self.trial, self.known = trial, set(known)

    def row(self, row: Row) -> None:
        """Hear it, once an epoch: a resumed trial may measure again what it has reported."""
        if METRIC not in row:
            return
        epoch = round(row["epoch"])
        if epoch not in self.known:
            self.known.add(epoch)
            self.trial.report(row[METRIC], epoch)
        if self.trial.should_prune():
            raise Pruned

    def end(self, state: State) -> None:
        """The sweep itself tells the study."""


def sweep(config: RunConfig, plan: SweepConfig) -> Path:
    """Make the trials that are not made yet, and return the best one's config.

    Raises IsnadError where the folder holds another sweep, where the disk is full (the trial goes on next time), and
    where no trial comes to its end.
    """
    from train.run import prepare

    if processes() > 1:
        raise IsnadError(f"expected one process for a sweep, found {processes()}; start it without a launcher")
    out = Path(config.out) / f"{config.name}-sweep"
    with held(out):
        facts = {
            "the config": dump(config),
            "parameters": json.dumps(plan.parameters, sort_keys=True),
            "seed": plan.seed,
            "prune_after": plan.prune_after,
            "the data": prepare(config).fingerprint,
            "the encoder": encoder_mark(config.encoder) if isinstance(config, TransformerConfig) else "",
        }
        study = open_study(out, plan, facts)
        while (trial := next_trial(study, plan)) is not None:
            make_trial(config, plan, study, trial, out)
            write_results(config, plan, study, out)
        write_results(config, plan, study, out)
        if not (out / BEST).is_file():
            raise IsnadError("expected a trial that came to its end, found none; trials.md says why", path=out)
    return out / BEST


def open_study(out: Path, plan: SweepConfig, facts: dict[str, Any]) -> Study:
    """The study kept in `out/journal.log`, new or as a killed sweep left it."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = out / JOURNAL
    path.with_name(f"{JOURNAL}.lock").unlink(missing_ok=True)  # `out` is ours: a killed process left it
    if path.is_file():
        whole, newline, _ = path.read_bytes().rpartition(b"\n")
        write_whole(path, whole + newline)  # half a last line is what a kill within a write leaves
    pruner = optuna.pruners.MedianPruner(n_startup_trials=plan.prune_after)
    try:
        storage = JournalStorage(JournalFileBackend(str(path)))
        study = optuna.create_study(
            storage=storage, study_name=out.name, direction="maximize", pruner=pruner, load_if_exists=True
        )
        begun = dict(study.user_attrs)
    except (ValueError, KeyError) as error:
        raise IsnadError("expected the journal of a sweep, found it damaged; delete the folder", path=path) from error
    changed = [name for name, value in facts.items() if name in begun and begun[name] != value]
    if changed:
        raise IsnadError(
            f"expected the sweep that was begun here, found a change of {' and '.join(changed)}; call it as before, "
            "give it a name= of its own, or delete the folder",
            path=out,
        )
    for name, value in facts.items():
        if name not in begun:
            study.set_user_attr(name, value)
    return study


def next_trial(study: Study, plan: SweepConfig) -> Trial | None:
    """The trial that a killed sweep was at, else a new one; None when all are made."""
    from optuna.trial import Trial, TrialState

    made = study.get_trials(deepcopy=False)
    open_ones = [t for t in made if t.state == TrialState.RUNNING]
    if open_ones:
        return Trial(study, open_ones[0]._trial_id)
    return study.ask() if len(made) < plan.trials else None


def draw(trial: Trial, key: str, parameter: Parameter, seed: Sequence[int]) -> Any:
    """The value of one key; a trial that was begun keeps the one it has.

    Each is drawn under a `seed` of its own, so that it depends on the trials before and on nothing else.
    """
    from optuna.samplers import TPESampler

    trial.study.sampler = TPESampler(seed=int(np.random.SeedSequence(seed).generate_state(1)[0]))
    name, ends = parameter.given[0], parameter.extremes
    if name == "values":
        return trial.suggest_categorical(key, ends)
    if name == "integers":
        return trial.suggest_int(key, *ends)
    return trial.suggest_float(key, *ends, log=name == "log")


def make_trial(config: RunConfig, plan: SweepConfig, study: Study, trial: Trial, out: Path) -> None:
    """Run one trial and tell the study how it ended."""
    from optuna.trial import TrialState
    from safetensors import SafetensorError

    space = enumerate(plan.space().items())
    drawn = {key: draw(trial, key, parameter, (plan.seed, trial.number, at)) for at, (key, parameter) in space}
    own = accepted(config, {**drawn, "out": str(out), "name": name_of(trial.number), **_one_seed(config)})
    said = ", ".join(f"{key}={_shown(value)}" for key, value in drawn.items())
    log.info("trial %d of %d: %s", trial.number + 1, plan.trials, said)
    reported = list(study.get_trials(deepcopy=False)[trial.number].intermediate_values)
    try:
        study.tell(trial, last_dev(watched(own, Pruning(trial, reported))))
    except Pruned:
        log.info("trial %d is pruned", trial.number + 1)
        study.tell(trial, state=TrialState.PRUNED)
    except IsnadError as error:
        if isinstance(error.__cause__, (OSError, SafetensorError)):
            raise
        log.warning("trial %d failed: %s", trial.number + 1, error)
        trial.set_user_attr("why", str(error))
        study.tell(trial, state=TrialState.FAIL)
        last = study.get_trials(deepcopy=False)[-FAILURES:]
        if len(last) == FAILURES and all(t.state == TrialState.FAIL for t in last):
            raise IsnadError(f"{FAILURES} trials in a row failed, the last one so: {error}", path=out) from error


def _one_seed(config: RunConfig) -> dict[str, list[int]]:
    return {"seeds": []} if "seeds" in type(config).model_fields else {}


def name_of(number: int) -> str:
    """`trial-003`, the directory of the trial with this number."""
    return f"trial-{number:03}"


# --- what it leaves -------------------------------------------------------------------------------


def write_results(config: RunConfig, plan: SweepConfig, study: Study, out: Path) -> None:
    """The tables and, where a trial is complete, the best one's config; other artefacts go unless they are kept."""
    from optuna.trial import TrialState

    made = study.get_trials(deepcopy=False)
    rows = [_cells(t, list(plan.parameters)) for t in made]
    head = ["trial", "state", "dev macro-F1", "epochs done", *plan.parameters, "why"]
    write_whole(out / "trials.tsv", "".join("\t".join(row) + "\n" for row in (head, *rows)))
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    write_whole(out / "trials.md", "".join(f"| {' | '.join(row)} |\n" for row in lines))
    whole = [t for t in made if t.state == TrialState.COMPLETE]
    if whole:
        best = max(whole, key=lambda t: (t.value, -t.number))
        chosen = accepted(config, {**best.params, "name": f"{config.name}-best"})
        write_whole(out / BEST, dump(chosen))
        if plan.keep == "best":
            _keep_only(out, best.number, made)


def _keep_only(out: Path, best: int, made: Sequence[FrozenTrial]) -> None:
    for trial in made:
        if trial.number != best and trial.state.is_finished():
            for folder in ("artefact", "checkpoints"):
                shutil.rmtree(out / name_of(trial.number) / folder, ignore_errors=True)


def _cells(trial: FrozenTrial, keys: Sequence[str]) -> list[str]:
    score = trial.value if trial.value is not None else max(trial.intermediate_values.values(), default=None)
    return [
        str(trial.number),
        trial.state.name.lower(),
        "" if score is None else f"{score:.4f}",
        str(max(trial.intermediate_values, default="")),
        *(_shown(trial.params[key]) if key in trial.params else "" for key in keys),
        " ".join(str(trial.user_attrs.get("why", "")).split()),
    ]


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
