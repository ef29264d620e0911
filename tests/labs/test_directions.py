"""Arithmetic by class means, a probe's rows, an autoencoder's features: planted, then noise."""

from __future__ import annotations

import pytest
import torch
from numerals import counting

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.labs import arithmetic, autoencoder
from headwidgets.labs.directions import SOURCES, directions
from headwidgets.labs.residues import features


@pytest.fixture(scope="module")
def engine():
    return counting()


@pytest.fixture(scope="module")
def trained(engine):
    return autoencoder.train(engine, steps=1500)


def sources(trained):
    return (*SOURCES, trained)


def test_each_source_edits_what_was_planted(engine, trained):
    for source in sources(trained):
        for name in ("numbers", "months"):
            frame = arithmetic.arithmetic(engine, "0.0", name, source=source)
            assert frame.attrs["share"] >= 0.7, (source, name)
            other = arithmetic.arithmetic(engine, "0.1", name, source=source)
            assert other.attrs["share"] < 0.1, "the other head copies"


def test_a_direction_is_as_long_as_its_members_lie_along_it(engine, trained):
    mean = features(engine)
    assert torch.equal(directions(engine), mean)
    for source in sources(trained)[1:]:
        found = directions(engine, source)
        along = (mean * torch.nn.functional.normalize(found, dim=-1)).sum(-1)
        assert along.numpy() == pytest.approx(found.norm(dim=-1).numpy(), rel=1e-4)
        assert (along < mean.norm(dim=-1)).all()
    unit = torch.nn.functional.normalize(directions(engine, trained), dim=-1)
    rows = trained.decoder[autoencoder.classes(engine, trained)["feature"].tolist()]
    torch.testing.assert_close(unit, rows, rtol=1e-4, atol=1e-5)


def test_the_source_is_what_the_slider_and_one_edit_take_too(engine, trained):
    one = {
        str(type(source)) + str(source)[:5]: arithmetic.edited(
            engine, "0.0", "months", "May", 7, source=source
        )["after"]
        for source in sources(trained)
    }
    assert len({round(float(after.max()), 6) for after in one.values()}) == len(one)


def test_directions_of_ones_own_are_taken_as_they_are(engine):
    own = features(engine, "letters")
    given = arithmetic.arithmetic(engine, "0.0", "months", source=own)
    taken = arithmetic.arithmetic(engine, "0.0", "months", source=directions(engine, of="letters"))
    assert given.equals(taken)
    nothing = arithmetic.arithmetic(engine, "0.0", "months", source=torch.zeros_like(own))
    assert nothing.attrs["share"] < 0.15


def test_noise_has_no_direction_to_edit_by():
    noise = counting(noise=50.0)
    for source in SOURCES:
        assert arithmetic.arithmetic(noise, "0.0", "numbers", source=source).attrs["share"] < 0.1


def test_what_does_not_fit_is_told(engine, trained):
    with pytest.raises(InputError, match="expected an autoencoder of 'normed', read on 'numbers'"):
        directions(engine, trained, variant="stream")
    with pytest.raises(InputError, match="read on 'numbers', width 128; got"):
        directions(engine, trained, of="letters")
    with pytest.raises(InputError, match="expected finite directions"):
        directions(engine, torch.zeros(9, 128))
    with pytest.raises(NotMeasurable, match="no member of 'days'"):
        directions(engine, of="days")
