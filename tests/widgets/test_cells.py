"""A cell that runs again leaves no widget behind, and takes none that is seen elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from ipywidgets import HBox, Layout, Output
from ipywidgets.widgets.widget import _instances

import headwidgets as hw
from headwidgets.widgets import cells

PATTERN = np.tril(np.ones((2, 3, 3))) / np.arange(1, 4)[:, None]
WORDS = ["a", "b", "c"]


class Cells:
    """Says which cell runs, as a host does."""

    def __init__(self):
        self.place, self.count = None, 0

    def run(self, cell):
        self.count += 1
        self.place = cells.Place(cell, f"run {self.count}")


@pytest.fixture
def cell(monkeypatch):
    """Run a cell: what follows belongs to it."""
    host = Cells()
    monkeypatch.setattr(cells, "here", lambda: host.place)
    return host.run


@pytest.fixture
def make(wire):
    """Views, closed at the end."""
    made = []

    def one(*args, **options):
        made.append(hw.AttentionView(*(args or (PATTERN, WORDS)), **options))
        return made[-1]

    yield one
    for view in made:
        view.close()


def show(view):
    """Display a view, as the last line of a cell does."""
    assert view._repr_mimebundle_() is not None
    return view


def alive(view):
    return view.comm is not None


def test_fifty_runs_of_a_cell_keep_one_view(cell, make, planted):
    cell("a")
    show(make(planted))
    widgets, viewers = len(_instances), len(planted.state._painter._viewers)
    views = []
    for _ in range(50):
        cell("a")
        views.append(show(make(planted)))
        assert (len(_instances), len(planted.state._painter._viewers)) == (widgets, viewers)
    assert [view for view in views if alive(view)] == views[-1:]
    assert planted.state.comm is not None


def test_fifty_runs_with_arrays_keep_no_pictures_either(cell, make):
    cell("a")
    show(make())
    widgets = len(_instances)
    for _ in range(50):
        cell("a")
        show(make())
    assert len(_instances) == widgets


def test_every_rest_closes_its_comms_in_the_browser(cell, make, wire):
    cell("a")
    first = show(make())
    one = (first, first.layout, first.session, first.session.layout)
    ids = {widget.model_id for widget in one}
    cell("a")
    show(make())
    assert sum(kind == "comm_close" for kind, _, _ in wire) == len(ids)


def test_views_of_two_cells_are_both_alive(cell, make):
    cell("a")
    one = show(make())
    cell("b")
    two = show(make())
    cell("b")
    three = show(make())
    assert [alive(view) for view in (one, two, three)] == [True, False, True]


def test_two_views_of_one_run_are_both_alive(cell, make):
    for _ in range(2):
        cell("a")
        views = [show(make()), show(make())]
    assert all(map(alive, views))


def test_a_view_that_is_shown_in_another_cell_stays(cell, make):
    cell("a")
    view = make()
    cell("b")
    show(view)
    for _ in range(3):
        cell("a")
        make()
    assert alive(view)


def test_a_view_that_its_cell_shows_again_is_the_same_view(cell, make):
    cell("a")
    view = make()
    for _ in range(3):
        cell("b")
        show(view)
    assert alive(view)


def test_a_view_that_rests_wakes_where_it_is_shown(cell, make, planted):
    cell("a")
    view = show(make(planted))
    cell("a")
    show(make(planted))
    assert not alive(view)
    planted.prompt = "Mary and John"
    cell("b")
    data, _ = view._repr_mimebundle_()
    assert alive(view)
    assert "application/vnd.jupyter.widget-view+json" in data
    assert view in planted.state._painter._viewers
    assert view.layout.comm is not None
    view.close()
    assert view._repr_mimebundle_ is None, "closed by hand, it stays closed"


def test_a_view_that_rests_can_be_saved(cell, make, tmp_path):
    cell("a")
    view = show(make())
    cell("a")
    show(make())
    assert view.save(tmp_path / "view.html").stat().st_size > 1000


def test_a_view_in_a_box_or_an_output_stays(cell, make, monkeypatch):
    cell("a")
    boxed, captured = make(), make()
    box, out = HBox([boxed]), Output()
    out.msg_id = cells.here().run
    show(captured)
    out.msg_id = ""
    cell("a")
    make()
    assert alive(boxed)
    assert alive(captured)
    box.close()


def test_a_layout_that_somebody_lent_is_not_closed(cell, make):
    lent = Layout()
    cell("a")
    show(make(layout=lent))
    cell("a")
    show(make())
    assert lent.comm is not None
    lent.close()


def test_where_no_host_names_the_cell_nothing_rests(make):
    assert cells.here() is None
    views = [show(make()) for _ in range(3)]
    assert all(map(alive, views))


def test_a_host_names_the_cell_in_the_message_that_runs_it(monkeypatch):
    parent = {"header": {"msg_type": "execute_request", "msg_id": "7"}, "metadata": {}}

    class Shell:
        def get_parent(self):
            return parent

    module = type("IPython", (), {"get_ipython": staticmethod(Shell)})
    monkeypatch.setitem(cells.sys.modules, "IPython", module)
    assert cells.here() is None
    parent["metadata"] = {"cellId": "abc"}
    assert cells.here() == ("abc", "7")
    parent["header"]["msg_type"] = "comm_msg"
    assert cells.here() is None
