"""Muon: a step's singular values are alike, its size that of AdamW, its state kept."""

import pytest
import torch

from headwidgets.zoo.recipe.muon import SCALE, Both, Muon, orthogonal
from headwidgets.zoo.recipe.shape import Shape, fresh


@pytest.mark.parametrize("shape", [(24, 16), (16, 24), (16, 16)])
def test_singular_values_become_alike_and_vectors_stay(shape):
    torch.manual_seed(0)
    given = torch.randn(3, *shape)
    u, _, v = torch.linalg.svd(given, full_matrices=False)
    found = torch.linalg.svdvals(orthogonal(given))
    assert found.min() > 0.3
    assert found.max() < 1.3
    aligned = torch.einsum("nij,nik,nkl->njl", u, orthogonal(given), v.mT)
    off = aligned - torch.diag_embed(torch.diagonal(aligned, dim1=-2, dim2=-1))
    assert off.abs().max() < 1e-3


def test_matrices_of_one_shape_are_stepped_as_if_alone():
    torch.manual_seed(0)
    start = [torch.randn(8, 8), torch.randn(8, 4), torch.randn(8, 8)]
    gradients = [torch.randn_like(x) for x in start]

    def stepped(which):
        params = [torch.nn.Parameter(start[i].clone()) for i in which]
        for param, i in zip(params, which, strict=True):
            param.grad = gradients[i].clone()
        Muon(params, lr=0.01).step()
        return dict(zip(which, params, strict=True))

    together = stepped([0, 1, 2])
    for i in range(3):
        torch.testing.assert_close(together[i], stepped([i])[i])
        size = float((together[i].detach() - start[i]).pow(2).mean().sqrt()) / 0.01
        assert size == pytest.approx(SCALE, rel=0.35)


def test_it_goes_on_where_it_stood():
    config = Shape(layers=1, heads=2, d_head=8, d_model=16, d_mlp=24, n_ctx=16).config(30)

    def trained(steps, stop):
        model = fresh(config, 0)
        kept = Both(model, 1e-2, betas=(0.9, 0.98))
        for step in range(steps):
            if step == stop:
                state = kept.state_dict()
                kept = Both(model, 1e-2, betas=(0.9, 0.98))
                kept.load_state_dict(state)
            torch.manual_seed(step)
            ids = torch.randint(30, (4, 8))
            kept.zero_grad()
            model(input_ids=ids, labels=ids).loss.backward()
            kept.step()
        return model

    once, twice = trained(4, stop=None), trained(4, stop=2)
    for a, b in zip(once.parameters(), twice.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_every_weight_has_one_optimiser_and_embeddings_are_not_orthogonalised():
    model = fresh(Shape(layers=2, heads=2, d_head=8, d_model=16, d_mlp=24, n_ctx=16).config(30), 0)
    muon, adamw = Both(model, 1e-3).parts
    sets = [{id(p) for g in part.param_groups for p in g["params"]} for part in (muon, adamw)]
    assert not sets[0] & sets[1]
    assert sets[0] | sets[1] == {id(p) for p in model.parameters()}
    named = {name for name, p in model.named_parameters() if id(p) in sets[0]}
    assert named
    assert all("layers" in name and "proj" in name for name in named)
