"""The same clamps on a torch module of one's own."""

from __future__ import annotations

import warnings

import pytest
import torch
from shaped import shaped
from torch import nn

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.labs import emergence as lab
from headwidgets.labs.emergence.batch import generator

LENGTH, HEADS, WIDTH = 5, 2, 4


class Attention(nn.Module):
    """One layer whose pattern and heads are submodules, as TransformerLens names them."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(HEADS * WIDTH, HEADS * WIDTH) for _ in range(3))
        self.o = nn.Linear(HEADS * WIDTH, 5)
        self.hook_pattern, self.hook_z, self.plain = nn.Identity(), nn.Identity(), nn.Identity()

    def forward(self, x):
        n = len(x)
        q, k, v = (
            f(x).view(n, LENGTH, HEADS, WIDTH).transpose(1, 2) for f in (self.q, self.k, self.v)
        )
        pattern = self.hook_pattern((q @ k.mT).softmax(-1))
        z = self.hook_z((pattern @ v).transpose(1, 2))
        return self.o(self.plain(z).flatten(2))


class Turned(nn.Module):
    """The same, its pattern with heads in front under a name that does not tell."""

    def __init__(self, inner):
        super().__init__()
        self.turned, self.inner = nn.Identity(), inner
        plain = inner.hook_pattern
        inner.hook_pattern = nn.Module()
        inner.hook_pattern.forward = lambda p: plain(self.turned(p.transpose(0, 1)).transpose(0, 1))

    def forward(self, x):
        return self.inner(x)


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return Attention()


@pytest.fixture
def x():
    return torch.randn(6, LENGTH, HEADS * WIDTH, generator=generator(1))


def hooks(module):
    return [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in module.modules()]


def seen(layer, name, x):
    kept = []
    handle = layer.get_submodule(name).register_forward_hook(lambda *a: kept.append(a[2]))
    layer(x)
    handle.remove()
    return kept[0]


def test_a_pattern_is_clamped_and_gradients_flow_around(layer, x):
    with hw.clamp(layer, {"hook_pattern": lab.previous_token([1])}):
        found = seen(layer, "hook_pattern", x)
        assert torch.equal(found[0, 1, 2], torch.tensor([0.0, 1, 0, 0, 0]))
        layer(x).sum().backward()
    assert layer.v.weight.grad.abs().max() > 0
    rows = slice(WIDTH, 2 * WIDTH)
    assert (layer.q.weight.grad[rows] == 0).all()
    assert layer.q.weight.grad[:WIDTH].abs().max() > 0


@pytest.mark.parametrize("given", [0.0, torch.zeros(6, LENGTH, HEADS, WIDTH), lambda z: 0 * z])
def test_numbers_arrays_and_functions_are_clamps(layer, x, given):
    with hw.clamp(layer, {"hook_z": given}):
        assert torch.equal(layer(x), layer.o.bias.expand(6, LENGTH, 5))


def test_heads_are_where_the_name_says_or_the_axis(layer, x):
    with hw.clamp(layer, {"hook_z": lab.zero([0])}):
        one = layer(x)
    with hw.clamp(layer, {"plain": lab.zero([0], axis=-2)}):
        two = layer(x)
    with hw.clamp(layer, {"hook_z": lab.only([1])}):
        three = layer(x)
    assert torch.equal(one, two)
    assert torch.equal(one, three)
    assert not torch.equal(one, layer(x))


@pytest.mark.parametrize(
    "make",
    [
        lambda axis: lab.previous_token([1], axis=axis),
        lambda axis: lab.correct_label([1], 0.75, axis=axis),
        lambda axis: lab.only([0], axis=axis),
        lambda axis: lab.copied(Turned(Attention()), [1], axis=axis),
        lambda axis: lab.value(0.25, [1], axis=axis),
    ],
)
def test_every_clamp_takes_an_axis(layer, x, make):
    """Heads in front, [head, sequence, query, key], against heads where the name has them."""
    torch.manual_seed(1)
    one = make(-4)
    torch.manual_seed(1)
    two = make(None)
    if two.kind == "copied":
        two.given.load_state_dict(one.given.state_dict())
        two = lab.copied(two.given.inner, [1])
    batch = lab.low16().draw(6, generator(0))
    with hw.clamp(Turned(layer), {"turned": one}) as clamped:
        clamped.batch = batch
        found = clamped._module(x)
    with hw.clamp(layer, {"hook_pattern": two}) as clamped:
        clamped.batch = batch
        want = layer(x)
    assert torch.equal(found, want)
    assert not torch.equal(found, layer(x))


def test_the_right_label_is_clamped_where_there_are_no_heads(x):
    class Averaged(nn.Module):
        def __init__(self):
            super().__init__()
            self.mean = nn.Identity()

        def forward(self, x):
            return self.mean((x @ x.mT).softmax(-1))

    batch = lab.low16().draw(6, generator(0))
    with hw.clamp(Averaged(), {"mean": lab.correct_label(p=0.75)}) as clamped:
        clamped.batch = batch
        found = clamped._module(x)[:, 4]
        clamped.batch = batch.take(slice(0, 4))
        with pytest.raises(InputError, match=r"expected a value that fits \(6, 1, 5\)"):
            clamped._module(x)
    assert found.gather(1, batch.shown).flatten().tolist() == [0.75] * 6
    with hw.clamp(Averaged(), {"mean": lab.correct_label()}) as clamped:
        clamped.batch = lab.repeats(20, 4).draw(6, generator(0))
        with pytest.raises(InputError, match="a pattern of the batch's 9 positions"):
            clamped._module(x)


def test_a_head_that_is_to_stay_and_an_axis_must_be_there(layer, x):
    with hw.clamp(layer, {"hook_z": lab.only([5])}), pytest.raises(InputError, match="no head 5"):
        layer(x)
    clamps = {"plain": lab.zero([0], axis=-5)}
    with hw.clamp(layer, clamps), pytest.raises(InputError, match="no axis -5: 'plain' is"):
        layer(x)


def test_the_right_label_comes_from_the_batch(layer, x):
    batch = lab.low16().draw(6, generator(0))
    with hw.clamp(layer, {"hook_pattern": lab.correct_label([0], 0.8)}) as clamped:
        with pytest.raises(InputError, match=r"set clamped\.batch"):
            layer(x)
        clamped.batch = batch
        found = seen(layer, "hook_pattern", x)[:, 0, 4]
    assert found.gather(1, batch.shown).flatten().tolist() == pytest.approx([0.8] * 6)
    assert found.sum(1).tolist() == pytest.approx([1] * 6)


def test_another_module_s_activation_is_copied(layer, x):
    other = Attention()
    with hw.clamp(layer, {"hook_pattern": lab.copied(other, [0])}):
        found = seen(layer, "hook_pattern", x)
    assert torch.equal(found[:, 0], seen(other, "hook_pattern", x)[:, 0])
    assert torch.equal(found[:, 1], seen(layer, "hook_pattern", x)[:, 1])
    assert hooks(other) == [0] * len(hooks(other))


def test_steps_are_counted_by_the_loop(layer, x):
    free = layer(x)
    with hw.clamp(layer, {"hook_z": lab.zero().during(2, 4)}) as clamped:
        same = []
        for step in range(6):
            clamped.step = step
            same.append(torch.equal(layer(x), free))
    assert same == [True, True, False, False, True, True]


def test_clamps_are_switched_in_the_block(layer, x):
    free = layer(x)
    with hw.clamp(layer, {"hook_z": 0.0}) as clamped:
        clamped.switch(None)
        assert torch.equal(layer(x), free)
        clamped.switch({"hook_z": lab.zero([1])})
        assert not torch.equal(layer(x), free)
        with pytest.raises(InputError, match="no submodule"):
            clamped.switch({"nowhere": 0.0})
        assert not torch.equal(layer(x), free), "what was on stays"


def test_no_hook_is_left_whatever_ends_the_block(layer, x):
    before = hooks(layer)

    def interrupted(out):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), hw.clamp(layer, {"hook_z": interrupted, "o": 1.0}):
        layer(x)
    assert hooks(layer) == before
    with pytest.raises(InputError, match="no head 5"), hw.clamp(layer, {"hook_z": lab.zero(5)}):
        layer(x)
    assert hooks(layer) == before


def test_after_the_block_no_clamp_can_be_put_on(layer):
    before = hooks(layer)
    with hw.clamp(layer, {"hook_z": 0.0}) as clamped:
        pass
    with pytest.raises(InputError, match="inside the with block, which has ended"):
        clamped.switch({"hook_z": 0.0})
    assert hooks(layer) == before


def test_a_clamp_on_what_does_not_run_is_told(layer, x):
    layer.unused = nn.Identity()
    clamps = {"unused": lab.value(0.0).during(1)}
    with hw.clamp(layer, clamps) as clamped:
        layer(x)
        clamped.step = 1
        with pytest.raises(InputError, match="the clamp on 'unused' holds nothing: Attention ran"):
            layer(x)
    model = nn.MultiheadAttention(8, 2)  # it reads the weights of out_proj, and does not call it
    streams = torch.zeros(3, 1, 8)
    with hw.clamp(model, {"out_proj": 0.0}), pytest.raises(InputError, match="holds nothing"):
        model(streams, streams, streams)


def test_outputs_that_are_no_pattern_or_no_tensor_are_refused(x):
    model = nn.Sequential(nn.Linear(4, 4))
    with (
        hw.clamp(model, {"0": lab.previous_token()}),
        pytest.raises(InputError, match=r"as a pattern of as many queries as keys, got \(4, 4\)"),
    ):
        model(torch.ones(4, 4))

    class Named(nn.Module):
        def forward(self, x):
            return {"y": x}

    model = nn.Sequential(Named())
    with (
        hw.clamp(model, {"0": 0.0}),
        pytest.raises(InputError, match=r"expected '0' to return a tensor.*got dict"),
    ):
        model(x)
    model, other = nn.Sequential(nn.Linear(4, 4)), nn.Sequential(nn.Linear(4, 5))
    with (
        hw.clamp(model, {"0": lab.copied(other)}),
        pytest.raises(InputError, match=r"a value that fits \(1, 4\), got \(1, 5\)"),
    ):
        model(torch.ones(1, 4))
    with (
        pytest.raises(InputError, match="expected another module to copy '0' of"),
        hw.clamp(model, {"0": lab.copied(model)}),
    ):
        pass


@pytest.mark.parametrize(
    ("clamps", "match"),
    [
        ({"z": 0.0}, "no submodule 'z': expected one such as q, k, v"),
        ({"": 0.0}, "no submodule ''"),
        ({"plain": lab.zero([0])}, "say by axis= where the heads of 'plain' are"),
        ({"plain": lab.zero([0], axis=2)}, "counted from the end"),
        ({"plain": lab.only([0], axis="x")}, "counted from the end, such as -3, got 'x'"),
        ({"hook_z": lab.copied(3)}, "expected a torch module to copy 'hook_z' of, got int"),
        ([0.0], "expected clamps as a mapping of submodules, got list"),
        ({"hook_z": float("nan")}, "finite numbers"),
        ({"hook_z": lab.shifted()}, "for the lab's own model"),
        ({"hook_z": lab.copied(nn.Identity())}, "no submodule 'hook_z'"),
        ({"hook_z": [lab.zero([0]), lab.zero([0])]}, "got two"),
    ],
)
def test_what_cannot_be_clamped_is_refused(layer, clamps, match):
    with pytest.raises(InputError, match=match), hw.clamp(layer, clamps):
        pass
    with pytest.raises(InputError, match="expected a torch module, got str"), hw.clamp("x", {}):
        pass


def test_a_bridge_takes_them_by_its_own_names():
    from headwidgets.zoo.planted import planted

    bridge = planted()
    tokens = torch.arange(1, 9)[None]
    free = bridge(tokens)
    with hw.clamp(bridge, {"blocks.0.attn.hook_pattern": lab.previous_token([0])}):
        held = bridge(tokens)
    assert held.shape == free.shape
    with hw.clamp(bridge, {"blocks.0.attn.hook_pattern": lab.previous_token([2])}):
        assert not torch.equal(bridge.run_with_cache(tokens)[1]["blocks.0.attn.hook_pattern"], free)
        found = bridge.run_with_cache(tokens)[1]["blocks.0.attn.hook_pattern"][0, 2]
        assert torch.equal(found[1:].argmax(1), torch.arange(7))


@pytest.mark.parametrize("name", ["hook_z", "hook_v", "hook_q"])
def test_heads_of_a_bridge_are_heads(name):
    """A bridge's module returns heads side by side, [sequence, position, d_model]."""
    bridge, twin = (lab.bridge(lab.run(lab.repeats(20, 4), seed=3).trained()) for _ in range(2))
    tokens = torch.arange(1, 9)[None]
    where = f"blocks.0.attn.{name}"

    def off(tensor, hook):
        tensor = tensor.clone()
        tensor[:, :, [1]] = 0
        return tensor

    with torch.no_grad():
        want = bridge.run_with_hooks(tokens, fwd_hooks=[(where, off)])
        with hw.clamp(bridge, {where: lab.zero([1])}):
            found = bridge(tokens)
        with hw.clamp(bridge, {where: lab.copied(twin, [1])}):
            same = bridge(tokens)
        free = bridge(tokens)
    assert torch.equal(found, want)
    assert not torch.equal(found, free)
    assert torch.equal(same, free)


def test_heads_that_stand_nowhere_are_asked_for():
    layers = nn.Sequential()
    layers.add_module("hook_z", nn.Identity())
    with hw.clamp(layers, {"hook_z": lab.zero([1])}):  # noqa: SIM117 - the hooks are on
        with pytest.raises(InputError, match=r"say by axis= where its heads are"):
            layers(torch.ones(2, 3, 8))
    with hw.clamp(layers, {"hook_z": lab.zero([1], axis=-2)}):
        assert layers(torch.ones(2, 3, 8))[:, 1].abs().sum() == 0


def test_a_bridge_may_stop_before_what_is_clamped():
    data = lab.low16(classes=6, new=4, n_features=16)
    shape = lab.Shape(n_heads=2, d_model=16, n_features=16)
    made = lab.bridge(lab.run(data, shape=shape, sequences=32, asked=20).trained())
    tokens = data.draw(2, generator(0)).tokens
    with hw.clamp(made, {"blocks.1.attn.hook_z": 0.0}):
        made(tokens, stop_at_layer=1)
    name = "blocks.1.hook_q_input"  # a bridge has it, and does not call it
    with hw.clamp(made, {name: 0.0}), pytest.raises(InputError, match="holds nothing"):
        made(tokens)


def test_scores_that_change_nothing_are_refused_on_a_bridge():
    """Native attention and Hugging Face's own have used their scores when the hook fires."""
    native = lab.bridge(lab.run(lab.repeats(20, 4), seed=3).trained())
    tokens = torch.arange(1, 9)[None]
    scores, pattern = (f"blocks.0.attn.hook_{name}" for name in ("attn_scores", "pattern"))
    with torch.no_grad():
        free = native(tokens)
        with pytest.warns(UserWarning, match="The edit is discarded"):
            dropped = native.run_with_hooks(tokens, fwd_hooks=[(scores, lambda s, hook: 0 * s)])
    assert torch.equal(dropped, free)
    for clamp in (lab.zero(), lab.zero([1]), lab.only([0])):
        with (
            pytest.raises(InputError, match=r"change nothing.*'blocks\.0\.attn\.hook_pattern'"),
            hw.clamp(native, {scores: clamp}),
        ):
            pass
    with torch.no_grad(), hw.clamp(native, {pattern: lab.zero()}):
        assert not torch.equal(native(tokens), free)


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("gpt2", ()),
        ("llama", ()),
        ("gpt-neo", ("attn_scores", "pattern")),
        ("opt", ("attn_scores", "pattern")),
    ],
)
def test_what_changes_nothing_is_refused_and_nothing_else(name, refused, tmp_path):
    """What TransformerLens drops is measured by a hook of one's own."""
    bridge, tokens = shaped(name, tmp_path), torch.arange(1, 9)[None]
    with torch.no_grad():
        free = bridge(tokens)
        for last in ("attn_scores", "pattern", "z"):
            where = f"blocks.1.attn.hook_{last}"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                own = bridge.run_with_hooks(tokens, fwd_hooks=[(where, lambda a, hook: 0.5 * a)])
            assert torch.equal(own, free) == (last in refused)
            clamps = {where: lab.value(lambda a: 0.5 * a, [1])}
            if last in refused:
                with (
                    pytest.raises(InputError, match=r"clamp 'blocks\.1\.attn\.hook_z' instead"),
                    hw.clamp(bridge, clamps),
                ):
                    pass
            else:
                with hw.clamp(bridge, clamps):
                    assert not torch.equal(bridge(tokens), free)
