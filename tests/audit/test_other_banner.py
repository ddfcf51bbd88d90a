"""A shop without us: where autoconsent knows the banner, it is answered for the shopper; else one state is audited."""

from __future__ import annotations

import pytest

from .farm import Farm

ONE_TRUST_LIKE = """
<div id="onetrust-consent-sdk"><div id="onetrust-banner-sdk" role="region" style="position:fixed;bottom:0;width:100%">
  <p>We use cookies</p>
  <div id="onetrust-button-group">
    <button id="onetrust-accept-btn-handler">Accept All</button>
    <button id="onetrust-reject-all-handler">Reject All</button>
  </div>
</div></div>
<script>
  window.OneTrust = {};
  const end = (say) => () => {
    document.cookie = `OptanonAlertBoxClosed=${new Date().toISOString()}; path=/`;
    document.cookie = `answer=${say}; path=/`;
    window.OnetrustActiveGroups = say == 'yes' ? ',C0001,C0002,C0003,' : ',C0001,';
    document.querySelector('#onetrust-consent-sdk').remove();
  };
  if (/answer=/.test(document.cookie)) document.querySelector('#onetrust-consent-sdk').remove();
  else {
    document.querySelector('#onetrust-accept-btn-handler').onclick = end('yes');
    document.querySelector('#onetrust-reject-all-handler').onclick = end('no');
  }
  const say = /answer=(\\w+)/.exec(document.cookie)?.[1];
  if (say) fetch(`{t}/after-${say}`, { mode: 'no-cors' });
</script>"""


@pytest.fixture
def stranger(farm: Farm) -> Farm:
    """A shop that has another tool's banner and no tag of ours."""
    farm.page(farm.fill(ONE_TRUST_LIKE), head="")
    return farm


def test_another_tools_banner_is_answered_where_autoconsent_knows_it(stranger: Farm) -> None:
    report = stranger.audit(("before", "refused", "accepted"), pages=1, site=None)
    asked = {(each.state, each.name) for each in report.findings if each.kind == "request"}
    assert asked == {
        ("refused", stranger.url("/after-no", "t")),
        ("accepted", stranger.url("/after-yes", "t")),
    }, report.text()


def test_a_shop_without_a_banner_is_audited_before_an_answer_alone(farm: Farm) -> None:
    farm.page(farm.fill('<img alt="" src="{t}/pixel">'), head="")
    report = farm.audit(("before", "refused"), pages=1, site=None)
    assert {each.state for each in report.findings if each.kind == "request"} == {"before"}
    assert any(note.startswith("refused: not audited") for note in report.notes)
