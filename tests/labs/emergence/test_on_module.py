"""The same clamps on a torch module of one's own."""

from __future__ import annotations

import pytest
import torch
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
