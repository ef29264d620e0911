"""The planted model is what its table says: every score exact, every switch with its effect."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from headwidgets.errors import InputError
from headwidgets.zoo import planted as zoo
from headwidgets.zoo.codes import LENGTH, OVERLAP, kerdock

T = 50
N = 2 * T + 1
LN_V = math.log(zoo.D_VOCAB)
ALL = torch.arange(N)
SECOND = torch.arange(T + 1, N)  # positions of the second copy
FIRST_WORD = 257  # ids from here on are words


def repeats(rows=4, seed=0):
    """Rows of [BOS, x, x] with random words, int64 [rows, 101]."""
    generator = torch.Generator().manual_seed(seed)
    n_words = zoo.D_VOCAB - FIRST_WORD
    drawn = [torch.randperm(n_words, generator=generator)[:T] + FIRST_WORD for _ in range(rows)]
    x = torch.stack(drawn)
    return torch.cat([torch.zeros(rows, 1, dtype=torch.long), x, x], dim=1)


def show(line):
    """Print a line of a table; pytest -s shows it."""
    print(line)


@torch.no_grad()
def run(bridge, ids, off=()):
    """Logits [B, T, V] and patterns [L][B, H, T, T] with the heads in `off` zeroed."""
    patterns = {}

    def keep(layer):
        return lambda pattern, **_: patterns.__setitem__(layer, pattern.clone())

    def silence(head):
        def edit(z, **_):
            z = z.clone()
            z[:, :, head] = 0
            return z

        return edit

    layers = range(bridge.cfg.n_layers)
    hooks = [(f"blocks.{layer}.attn.hook_pattern", keep(layer)) for layer in layers]
    hooks += [(f"blocks.{layer}.attn.hook_z", silence(head)) for layer, head in off]
    return bridge.run_with_hooks(ids, fwd_hooks=hooks), patterns


def loss(logits, ids):
    """Cross-entropy [B, T - 1] of what the second copy predicts: its own words but the first."""
    log_p = logits.double().log_softmax(-1)[:, SECOND[:-1]]
    return -log_p.gather(-1, ids[:, SECOND[1:], None])[..., 0]


def scores(patterns):
    """The score of each planted head at each position where it is defined, [B, positions]."""
    first, second = patterns[0], patterns[1]
    return {
        "0.0 previous": first[:, 0, ALL[1:], ALL[1:] - 1],
        "0.1 duplicate": first[:, 1, SECOND, SECOND - T],
        "0.2 current": first[:, 2, ALL, ALL],
        "1.0 induction": second[:, 0, SECOND, SECOND - T + 1],
        "1.1 sink": second[:, 1, ALL, 0],
    }


@pytest.fixture(scope="module")
def clean(planted_bridge):
    ids = repeats()
    return ids, *run(planted_bridge, ids)


def test_every_score_is_exact(clean):
    ids, logits, patterns = clean
    show("\nplanted(), [BOS, x, x], 4 x 2 x 50 random words, worst position")
    for name, score in scores(patterns).items():
        show(f"  {name:14} {score.min():.7f}")
        assert (score - 1).abs().max() <= 1e-6, name
    expected = torch.tril(torch.ones(N, N)) / (ALL[:, None] + 1)
    show(f"  1.2 uniform    {(patterns[1][:, 2] - expected).abs().max():.7f} off 1/(i+1)")
    assert (patterns[1][:, 2] - expected).abs().max() <= 1e-6
    show(f"  loss of the second copy {loss(logits, ids).max():.2e}")
    assert loss(logits, ids).max() < 1e-3


def test_heads_rest_on_bos_where_nothing_matches(clean):
    _, _, patterns = clean
    first_copy = ALL[: T + 1]
    assert (patterns[0][:, 1, first_copy, 0] - 1).abs().max() <= 1e-6
    assert (patterns[1][:, 0, first_copy, 0] - 1).abs().max() <= 1e-6
    # 0.1 never looks at the token itself, BOS apart (which sees nothing else).
    assert patterns[0][:, 1, ALL[1:], ALL[1:]].max() <= 1e-6


def test_nothing_is_predicted_before_the_repeat(clean):
    _, logits, _ = clean
    assert logits[:, : T + 1].abs().max() <= 1e-4


@pytest.mark.parametrize("off", [[(0, 0)], [(1, 0)], [(0, 0), (1, 0)]], ids=str)
def test_switching_the_circuit_off_costs_ln_v(planted_bridge, off):
    ids = repeats()
    logits, _ = run(planted_bridge, ids, off)
    show(f"\n  zero {off}: loss {loss(logits, ids).mean():.6f}, ln V = {LN_V:.6f}")
    assert (loss(logits, ids) - LN_V).abs().max() <= 1e-4


@pytest.mark.parametrize("off", [(0, 1), (0, 2), (1, 1), (1, 2)], ids=str)
def test_the_other_heads_write_but_move_no_logit(planted_bridge, clean, off):
    ids, logits, patterns = clean
    edited, edited_patterns = run(planted_bridge, ids, [off])
    assert torch.equal(edited, logits)
    assert all(torch.equal(edited_patterns[i], patterns[i]) for i in patterns)
    _, cache = planted_bridge.run_with_cache(ids)
    layer, head = off
    z = cache[f"blocks.{layer}.attn.hook_z"][:, :, head]
    written = z @ planted_bridge.W_O[layer, head]
    assert written[..., zoo.SPARE].abs().max() > 0.5
    assert written[..., zoo.OUT].abs().max() == 0


def test_several_earlier_copies_share_equally(planted_bridge):
    a, b, c, d = range(300, 304)
    ids = torch.tensor([[0, a, b, c, a, d, c, a]])
    logits, patterns = run(planted_bridge, ids)
    assert torch.allclose(patterns[0][0, 1, -1, [1, 4]], torch.tensor(0.5), atol=1e-6)
    assert torch.allclose(patterns[1][0, 0, -1, [2, 5]], torch.tensor(0.5), atol=1e-6)
    assert set(logits[0, -1].topk(2).indices.tolist()) == {b, d}


def test_an_exact_repeat_side_by_side(planted_bridge):
    logits, patterns = run(planted_bridge, torch.tensor([[0, 300, 300]]))
    assert abs(patterns[0][0, 1, 2, 1] - 1) <= 1e-6
    assert int(logits[0, -1].argmax()) == 300


def test_the_whole_context_is_exact(planted_bridge):
    """At the longest prompt, of 256 tokens, the previous token is still sharp at the end."""
    ids = torch.arange(1, zoo.N_CTX).remainder(zoo.D_VOCAB)[None]
    ids = torch.cat([torch.zeros(1, 1, dtype=torch.long), ids], dim=1)
    _, patterns = run(planted_bridge, ids)
    positions = torch.arange(1, zoo.N_CTX)
    assert (patterns[0][0, 0, positions, positions - 1] - 1).abs().max() <= 1e-6


def test_scores_rise_with_beta_and_the_loss_falls():
    ids = repeats()
    show("\n  beta  previous  induction  loss of the second copy (ln V = 6.238)")
    table = []
    for beta in (0.0, 2.0, 5.0, 10.0, 20.0):
        logits, patterns = run(zoo.planted(beta), ids)
        means = {name: float(score.mean()) for name, score in scores(patterns).items()}
        row = means["0.0 previous"], means["1.0 induction"], float(loss(logits, ids).mean())
        show(f"  {beta:4.0f}  {row[0]:8.3f}  {row[1]:9.3f}  {row[2]:.4f}")
        table.append(row)
    for before, after in pairwise(table):
        assert before[0] < after[0]
        assert before[1] < after[1]
        assert before[2] > after[2]
    assert table[1][0] < 0.3  # vague at 2
    assert table[3][0] > 0.99  # sharp at 10


def test_the_closed_form_of_the_previous_token_score():
    """Score e^beta / (e^beta + i) at position i."""
    _, patterns = run(zoo.planted(beta=3.0), repeats())
    expected = math.exp(3.0) / (math.exp(3.0) + ALL[1:])
    assert (patterns[0][:, 0, ALL[1:], ALL[1:] - 1] - expected).abs().max() <= 1e-6


def test_beta_zero_plants_nothing():
    ids = repeats()
    logits, patterns = run(zoo.planted(beta=0.0), ids)
    assert torch.equal(logits, torch.zeros_like(logits))
    uniform = torch.tril(torch.ones(N, N)) / (ALL[:, None] + 1)
    for pattern in patterns.values():
        assert (pattern - uniform).abs().max() <= 1e-6


def test_the_dirty_form_still_works():
    ids = repeats()
    for seed in (0, 1):
        bridge = zoo.planted(noise=0.05, seed=seed)
        logits, patterns = run(bridge, ids)
        for name, score in scores(patterns).items():
            assert score.mean() > 0.9, name
        assert loss(logits, ids).mean() < 0.1
        for off in ([(0, 0)], [(1, 0)]):
            edited, _ = run(bridge, ids, off)
            assert abs(loss(edited, ids).mean() - LN_V) < 0.5


def test_decoys_share_the_attention_or_the_output_matrices(clean):
    ids, logits, patterns = clean
    bridge = zoo.planted_decoys()
    with_decoys, decoyed = run(bridge, ids)
    for layer in (0, 1):
        assert (decoyed[layer][:, :3] - patterns[layer]).abs().max() <= 1e-6
    assert (decoyed[1][:, 3] - decoyed[1][:, 0]).abs().max() <= 1e-6
    uniform = torch.tril(torch.ones(N, N)) / (ALL[:, None] + 1)
    assert (decoyed[1][:, 4] - uniform).abs().max() <= 1e-6
    assert torch.equal(bridge.W_V[1, 4] @ bridge.W_O[1, 4], bridge.W_V[1, 0] @ bridge.W_O[1, 0])
    assert (bridge.W_V[1, 3] @ bridge.W_O[1, 3])[:, zoo.OUT].abs().max() == 0

    assert loss(with_decoys, ids).max() < 1e-3
    without_attention_decoy, _ = run(bridge, ids, [(1, 3)])
    assert torch.equal(without_attention_decoy, with_decoys)
    only_real, _ = run(bridge, ids, [(1, 4)])
    assert (only_real - logits).abs().max() <= 1e-4
    without_induction, _ = run(bridge, ids, [(1, 0)])
    assert loss(without_induction, ids).mean() > LN_V - 1.5


def test_building_is_repeatable_and_leaves_the_random_numbers_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    one = zoo.planted(noise=0.05, seed=3)
    assert torch.equal(torch.rand(3), expected)
    same, other = zoo.planted(noise=0.05, seed=3), zoo.planted(noise=0.05, seed=4)
    weights = [dict(b.original_model.named_parameters()) for b in (one, same, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert any(not torch.equal(weights[0][name], weights[2][name]) for name in weights[0])


def test_it_is_ready_to_use(planted_bridge):
    assert not planted_bridge.training
    assert planted_bridge.cfg.model_name == "planted"
    assert {p.dtype for p in planted_bridge.original_model.parameters()} == {torch.float32}
    assert (planted_bridge.cfg.n_layers, planted_bridge.cfg.n_heads) == (2, 3)
    assert planted_bridge.cfg.n_ctx == 256
    assert planted_bridge.tokenizer.bos_token_id == 0


def test_the_prompt_of_the_tour(planted_bridge):
    """ " to" came before, and " the" followed it."""
    ids = planted_bridge.to_tokens("When Mary and John went to the store, John gave a drink to")
    logits, _ = run(planted_bridge, ids)
    assert planted_bridge.tokenizer.decode([int(logits[0, -1].argmax())]) == " the"


@pytest.mark.parametrize("arguments", [{"beta": -1}, {"beta": math.nan}, {"noise": math.inf}])
def test_arguments_that_cannot_be_meant(arguments):
    with pytest.raises(InputError, match="finite number"):
        zoo.planted(**arguments)


def test_codes_barely_overlap():
    codes = kerdock()
    assert codes.shape == (512, LENGTH)
    assert set(codes.unique().tolist()) == {-1.0, 1.0}
    overlaps = (codes @ codes.T / LENGTH).fill_diagonal_(0).abs()
    assert set(overlaps.unique().tolist()) == {0.0, OVERLAP}
