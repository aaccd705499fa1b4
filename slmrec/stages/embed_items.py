"""A properly trained SASRec: decoders start from its item vectors; it is the baseline to beat."""

from __future__ import annotations

from pathlib import Path

import torch

from slmrec.core import tables
from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import new_folder, write_json
from slmrec.core.fingerprint import key_of
from slmrec.core.stage import run_stage
from slmrec.dataset.histories import Histories, read_histories
from slmrec.models.champion import Begin, Champion
from slmrec.models.ensemble import save_members
from slmrec.models.factory import SequenceModel, new_sasrec
from slmrec.models.sasrec import SASRec
from slmrec.models.serialization import save_model
from slmrec.params.compute import ComputeParams
from slmrec.params.decoder import LowPassParams
from slmrec.params.embed_items import EmbedItemsParams
from slmrec.pretrained.title_vectors import title_vectors
from slmrec.ranking.validation import SampledNdcg
from slmrec.training.device import start_training
from slmrec.training.loop import train
from slmrec.training.objectives import next_item_run
from slmrec.training.run import Curve, Watch


def embed_items(
    histories: Histories,
    text: torch.Tensor | None,
    items: int,
    p: EmbedItemsParams,
    device: torch.device,
    checkpoint: Checkpoint,
    watch: Watch | None = None,
    begin: Begin | None = None,
    low_pass: LowPassParams | None = None,
) -> tuple[SASRec, Curve]:
    """Train SASRec until validation stops improving; with `text` (I, F), over ids and text.

    `low_pass` is a filter beside attention. `begin` is called with the new model, before anything
    is learnt.
    """
    torch.manual_seed(p.seed)
    trained = torch.from_numpy(histories.trained_items(items))
    model = new_sasrec(trained, text, p, histories.protocol.max_length, low_pass).to(device)
    name = "sasrec" if text is None else "sasrec_text"
    if begin is not None:
        begin(model)
    ndcg = SampledNdcg(histories, model.item_embedding, p.training.validation_targets, p.seed)
    run = next_item_run(name, model, ndcg, histories, p.training, p.seed, checkpoint, watch)
    return model, train(run)


def main(
    events_dir: Path,
    histories_dir: Path,
    champion_dir: Path,
    *,
    item_vectors_dir: Path,
    ensemble_dir: Path,
) -> None:
    """Train on histories; write the model of ids, the one with text if asked for, and their curves.

    With `ensemble_seeds` the ensemble gets the last of them, by its seed, and one more a seed.
    """
    device, p = start_training(ComputeParams.read()), EmbedItemsParams.read()
    table = tables.read_table(events_dir / "items.parquet", tables.ITEMS)
    items = int(table["item_index"].max()) + 1  # type: ignore[arg-type]
    texts: dict[str, torch.Tensor | None] = {"sasrec": None}
    if p.text != "none":
        texts["sasrec_text"] = title_vectors(table, items, p.text.encoders)
    histories = read_histories(histories_dir)
    champion = Champion.of(champion_dir, histories)
    key = key_of([events_dir / "items.parquet", histories_dir, champion_dir], p)
    with new_folder(item_vectors_dir) as vectors, new_folder(ensemble_dir) as ensemble:
        for name, text in texts.items():
            checkpoint = Checkpoint.of("embed_items", f"{name}-{key}")
            begin = champion.start(f"item_vectors/{name}", name)
            model, curve = embed_items(histories, text, items, p, device, checkpoint, begin=begin)
            save_model(model, vectors / name)
            write_json(vectors / name / "curve.json", curve)
        members: dict[int, SequenceModel] = {p.seed: model} if p.ensemble_seeds else {}
        for number, seed in enumerate(p.ensemble_seeds, start=1):
            progress = f"model {number} of {len(p.ensemble_seeds)}, {name} of seed {seed}"
            print(f"ensemble: {progress}", flush=True)
            checkpoint = Checkpoint.of("embed_items", f"{name}-{seed}-{key}")
            seeded = p.model_copy(update={"seed": seed})
            begin = champion.start(f"ensemble/{seed}", name)
            run = histories, text, items, seeded, device, checkpoint
            members[seed], _ = embed_items(*run, begin=begin, low_pass=p.ensemble_low_pass)
        save_members(ensemble, members)
    checkpoint.clear()


if __name__ == "__main__":
    run_stage(main)
