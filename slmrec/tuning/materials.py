"""What the student's search needs beside models: ensemble and recorded states, made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import new_folder
from slmrec.core.fingerprint import key_of
from slmrec.dataset.histories import read_histories
from slmrec.models.ensemble import load_members, save_members
from slmrec.models.factory import SequenceModel
from slmrec.models.serialization import embedding_model, load_decoder, load_model
from slmrec.params.embed_items import EmbedItemsParams
from slmrec.params.neighbours import NeighboursParams
from slmrec.params.record_states import RecordStatesParams
from slmrec.stages.record_states import neighbour_member, record_states
from slmrec.tuning.attempt import stopped_at
from slmrec.tuning.task import Task, tune_folder
from slmrec.tuning.trainers import ItemVectors, start_device
from slmrec.tuning.validation_only import without_test


def make_materials(task: Task) -> dict[str, Path]:
    """The folders `ensemble` and `teacher_states` for a task that has item vectors and a teacher.

    As `embed_items` and `record_states` make them. Raises OutOfTimeError where the budget ends
    before they are there; the next search goes on with them.
    """
    sections = [task.params["compute"], task.params["embed_items"]]
    inputs = [task.logs.items, task.logs.histories]
    tune_folder().mkdir(parents=True, exist_ok=True)
    log, ends = tune_folder() / "materials.txt", task.limits.ends
    with log.open("a") as stream, redirect_stdout(stream), stopped_at(ends):
        seeds = key_of(inputs, *sections)
        ensemble = _make("ensemble", seeds, lambda folder: _write_ensemble(task, seeds, folder))
        inputs += [ensemble, task.inputs["teacher"]]
        key = key_of(inputs, *sections, task.params["record_states"])
        states = _make("teacher_states", key, lambda folder: _write_states(task, ensemble, folder))
    return {"ensemble": ensemble, "teacher_states": states}


def _make(name: str, key: str, write: Callable[[Path], None]) -> Path:
    """The folder of this name and key, written unless it is there; others of the name are removed.

    They are as large as the logs, and were made with settings that are the best no more.
    """
    folder = tune_folder() / f"{name}-{key}"
    for other in tune_folder().glob(f"{name}-*"):
        if other != folder:
            shutil.rmtree(other)
    if not folder.is_dir():
        with new_folder(folder) as temporary:
            write(temporary)
    return folder


def _write_ensemble(task: Task, key: str, folder: Path) -> None:
    """The item vectors' model, and one more a seed; each has a checkpoint until all are there."""
    p = EmbedItemsParams.model_validate(task.params["embed_items"])
    members: dict[int, SequenceModel] = {}
    if p.ensemble_seeds:
        members[p.seed] = load_model(embedding_model(task.inputs["item_vectors"]))
        item_vectors = ItemVectors(task.logs, task.params, start_device(task.params))
    for seed in p.ensemble_seeds:
        seeded = p.model_copy(update={"seed": seed})
        checkpoint = Checkpoint(tune_folder() / "members" / f"{key}-{seed}.safetensors")
        low_pass = p.ensemble_low_pass
        members[seed], _ = item_vectors.train_with(seeded, checkpoint, None, low_pass)
    save_members(folder, members)
    shutil.rmtree(tune_folder() / "members", ignore_errors=True)


def _write_states(task: Task, ensemble: Path, folder: Path) -> None:
    device = start_device(task.params)
    teacher = load_decoder(task.inputs["teacher"]).to(device)
    members = [member.to(device) for member in load_members(ensemble)]
    histories = without_test(read_histories(task.logs.histories))
    p = RecordStatesParams.model_validate(task.params["record_states"])
    graphs = NeighboursParams.model_validate(task.params["neighbours"])
    neighbours = neighbour_member(teacher, histories, graphs, p)
    record_states(teacher, members, neighbours, histories, p, folder)
