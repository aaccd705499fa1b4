"""Pretrained teachers: any LLaMA folder, cut to depth by rule, adapted by LoRA, with or without a prompt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.errors import DataError, UsageError
from slmrec.export.graph import export_graph
from slmrec.models.factory import cut_decoder
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import LlamaRecommender
from slmrec.models.lora import merge_layers, prepare_layers
from slmrec.models.serialization import load_model, save_model
from slmrec.params.decoder import DecoderParams, LoraTuning
from slmrec.params.train_teacher import EveryLayer, FirstLayers, TrainTeacherParams
from slmrec.pretrained.backbone import open_backbone, sampled_words
from slmrec.pretrained.from_backbone import DecoderSettings, pretrained_decoder, with_layers
from slmrec.pretrained.layer_selection import changes_without, layers_by_place
from slmrec.stages.train_teacher import train_teacher
from tests.support.histories import TRAINING, ring_histories
from tests.support.llm import folder_params, make_llm, rewrite_config

ITEMS = 14
LORA = LoraTuning(
    kind="lora", rank=2, alpha=4, dropout=0.0, targets=["gate_proj", "up_proj", "down_proj"]
)
IDLE = [
    f"{layer}.{branch}.weight"
    for layer in (1, 2)
    for branch in ("self_attn.o_proj", "mlp.down_proj")
]
INPUTS = torch.randint(2, ITEMS, (3, 6), generator=torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def llm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("llm")
    make_llm(folder, tuned=True)
    return folder


def frame() -> DecoderSettings:
    torch.manual_seed(3)
    return DecoderSettings(
        ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 8, None, 0.0), 0.0, 0.0, 8
    )


def decoder(llm: Path, **changes) -> LlamaRecommender:
    p = folder_params(llm, **changes)
    return pretrained_decoder(open_backbone(p), p, frame(), lambda _: INPUTS)[0].eval()


def test_the_decoder_gives_the_states_of_the_model_it_was_read_from(llm, tmp_path):
    model, ours = make_llm(tmp_path, tuned=True), decoder(llm)
    with torch.no_grad():
        lifted = ours.input_proj(ours.item_embedding(INPUTS))
        theirs = model.model(inputs_embeds=lifted).last_hidden_state
        torch.testing.assert_close(ours.norm(ours.forward_with_states(INPUTS, [4])[1][0]), theirs)


def test_lifted_items_are_as_long_as_the_states_of_words_and_user_vectors_have_deviation_one(
    llm, tmp_path
):
    ours, backbone = decoder(llm), open_backbone(folder_params(llm))
    with torch.no_grad():
        read = make_llm(tmp_path, tuned=True).model(
            inputs_embeds=sampled_words(backbone), output_hidden_states=True
        )
        before_norm = ours.read_words(sampled_words(backbone))
        torch.testing.assert_close(ours.norm(before_norm), read.last_hidden_state)
    lengths = before_norm.square().mean(dim=2).sqrt()
    torch.testing.assert_close(
        ours.input_proj(ours.item_embedding.folded()).square().mean().sqrt(), lengths.median()
    )
    product = (
        ours.output_proj.weight @ ours.input_proj.weight
    )  # the map down undoes the map up, but for a scale
    torch.testing.assert_close(product / product[0, 0], torch.eye(8), rtol=0, atol=1e-5)
    states = torch.randn(4000, 24, generator=torch.Generator().manual_seed(1))
    assert ours.output_proj(ours.norm(states)).square().mean().sqrt().item() == pytest.approx(
        1, rel=0.1
    )


def test_every_rule_keeps_the_layers_it_says():
    assert layers_by_place(FirstLayers(rule="first", layers=3), 6) == [1, 2, 3]
    assert layers_by_place(EveryLayer(rule="every", step=3), 8) == [1, 4, 7]
    with pytest.raises(UsageError, match="keeps 7 layers, the model has 6"):
        layers_by_place(FirstLayers(rule="first", layers=7), 6)


def test_the_measured_rule_drops_the_layers_without_which_nothing_changes(llm, tmp_path):
    whole = decoder(llm)
    with torch.no_grad():
        for name, weight in whole.layers.named_parameters():
            if name in IDLE:  # branches that end in zero add nothing
                weight.zero_()
    changes = changes_without(whole, INPUTS)
    assert changes[1] == pytest.approx(0, abs=1e-6) and changes[2] == pytest.approx(0, abs=1e-6)
    assert min(changes[0], changes[3]) > 1e-4
    assert len(whole.layers) == 4  # measuring leaves the model as it was
    kept = pretrained_decoder(
        open_backbone(folder_params(llm)),
        folder_params(llm, cut={"rule": "least_change", "layers": 3, "windows": 3}),
        frame(),
        lambda _: INPUTS,
    )[1]
    expected = changes_without(decoder(llm), INPUTS)
    assert kept == sorted(np.argsort(expected)[1:] + 1)


def test_another_architecture_is_refused_by_name(tmp_path):
    make_llm(tmp_path)
    rewrite_config(tmp_path, model_type="gpt2")
    with pytest.raises(UsageError, match="'gpt2', expected 'llama'"):
        open_backbone(folder_params(tmp_path))


def test_a_llama_with_biases_is_refused_instead_of_losing_them(tmp_path):
    make_llm(tmp_path)
    rewrite_config(tmp_path, attention_bias=True)
    with pytest.raises(UsageError, match="attention_bias is True"):
        open_backbone(folder_params(tmp_path))


def test_a_folder_without_a_model_and_a_cut_off_file_are_named(tmp_path):
    with pytest.raises(UsageError, match=r"holds no config\.json"):
        open_backbone(folder_params(tmp_path))
    make_llm(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(DataError, match="not a safetensors file"):
        open_backbone(folder_params(tmp_path))


def test_a_prompt_without_a_tokenizer_is_refused(tmp_path):
    make_llm(tmp_path)
    for file in tmp_path.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(UsageError, match="no tokenizer"):
        decoder(tmp_path, prompt="bought")


def test_lora_starts_where_the_model_is_trains_only_its_updates_and_merges_into_plain_weights(llm):
    plain = decoder(llm)
    adapted = decoder(llm)
    prepare_layers(adapted, LORA)
    adapted.eval()
    torch.testing.assert_close(adapted(INPUTS), plain(INPUTS))
    learning = {name for name, weight in adapted.layers.named_parameters() if weight.requires_grad}
    assert learning and all("lora_" in name and ".mlp." in name for name in learning)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.3)
    expected = adapted(INPUTS)
    assert not torch.allclose(expected, plain(INPUTS), atol=1e-3)
    merge_layers(adapted)
    torch.testing.assert_close(adapted(INPUTS), expected, rtol=1e-4, atol=1e-5)
    assert adapted.state_dict().keys() == plain.state_dict().keys()


def test_a_prompt_reads_as_words_before_every_history(llm, tmp_path):
    model, ours = make_llm(tmp_path, tuned=True), decoder(llm, prompt="bought then")
    assert ours.prompt is not None and ours.prompt.shape == (1, 2, 24)
    with torch.no_grad():
        lifted = torch.cat(
            [
                model.model.embed_tokens(torch.tensor([[1, 2]])).expand(3, -1, -1),
                ours.input_proj(ours.item_embedding(INPUTS)),
            ],
            dim=1,
        )
        theirs = model.model(inputs_embeds=lifted).last_hidden_state[:, 2:]
        torch.testing.assert_close(
            ours.norm(ours.forward_with_states(INPUTS, [4])[1][0]), theirs, rtol=1e-4, atol=1e-5
        )
    assert not torch.allclose(ours(INPUTS), decoder(llm)(INPUTS), atol=1e-3)


def test_a_folded_prompt_and_a_saved_one_answer_the_same(llm, tmp_path):
    ours = decoder(llm, prompt="bought then")
    expected = ours(INPUTS)
    save_model(ours, tmp_path)
    loaded = load_model(tmp_path)
    assert torch.equal(loaded(INPUTS), expected)
    assert isinstance(loaded, LlamaRecommender)
    loaded.fold_prompt()
    assert loaded.prompt is None and loaded.prompt_length == 2
    torch.testing.assert_close(loaded(INPUTS), expected)


def test_a_prompt_is_exported_as_constants_and_gives_torchs_scores(llm):
    ours = decoder(llm, prompt="bought then")
    candidates = torch.ones(ITEMS, dtype=torch.bool)
    candidates[:2] = False
    graph = export_graph(ours, candidates, 18)
    assert ours.prompt is not None  # the caller's model is left as it was
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    asked = {
        "history": INPUTS.numpy(),
        "exclude": np.zeros((3, 0), dtype=np.int64),
        "k": np.array(12),
    }
    items, scores = session.run(None, asked)
    with torch.no_grad():
        expected = ours(INPUTS)[:, -1] @ ours.item_embedding.folded().T
    np.testing.assert_allclose(
        scores, np.take_along_axis(expected.numpy(), items, axis=1), rtol=1e-4, atol=1e-5
    )
    # P words, L layers: had the prompt been left inside, each layer would hold its seven maps
    # twice.
    assert sum(node.op_type == "MatMul" for node in graph.graph.node) <= 4 * 9 + 3


def test_a_student_cut_from_a_prompted_teacher_keeps_the_prompt(llm):
    teacher = decoder(llm, prompt="bought then")
    student = cut_decoder(teacher, teacher.item_embedding, [1, 2, 3, 4], 0.0, 0.0).eval()
    torch.testing.assert_close(student(INPUTS), teacher(INPUTS))


@pytest.mark.parametrize("tuning", [{"kind": "full"}, LORA.model_dump()], ids=["full", "lora"])
def test_a_pretrained_teacher_learns_the_ring_and_ends_as_a_plain_decoder(llm, tmp_path, tuning):
    torch.set_num_threads(1)
    histories = ring_histories(60, ITEMS - 2, 8)
    p = TrainTeacherParams(
        seed=1,
        backbone=folder_params(
            llm, cut={"rule": "first", "layers": 2}, tuning=tuning, prompt="then bought"
        ),
        dropout=0.0,
        layer_drop=0.0,
        item_vectors="trained",
        training=TRAINING.model_copy(update={"epochs": 10, "patience": 10}),
    )
    backbone = open_backbone(folder_params(llm))
    table = ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 8, None, 0.0)
    teacher, kept, curve = train_teacher(
        histories, table, p, backbone, torch.device("cpu"), Checkpoint(tmp_path / "c.safetensors")
    )
    assert kept == [1, 2]
    assert curve[-1]["valid_ndcg@10"] > 0.9
    save_model(teacher, tmp_path / "teacher")
    torch.testing.assert_close(load_model(tmp_path / "teacher")(INPUTS), teacher.eval()(INPUTS))


def test_a_layer_beyond_the_model_is_refused(llm):
    with pytest.raises(UsageError, match="layer 9 is asked for"):
        with_layers(open_backbone(folder_params(llm)), [1, 9], frame(), None)


def test_key_value_heads_must_share_the_heads_evenly():
    with pytest.raises(ValueError, match="3 heads do not share 2"):
        DecoderParams(kind="config", layers=1, width=12, heads=3, key_value_heads=2, feed_forward=8)
