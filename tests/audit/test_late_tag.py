"""A tag that a page loads when it likes is there all the same, and late only where something needs it first."""

from __future__ import annotations

from .farm import Farm

LOADS = """<script>
  const loads = () => {
    const tag = document.createElement('script');
    tag.src = '%s/v1/shop/consent.js';
    tag.onload = () => tag.remove();
    document.head.append(tag);
  };
  addEventListener('load', () => setTimeout(loads, 300));
</script>"""

LEADS_ON = """<script>
  new MutationObserver(() => document.querySelector('#ask, [data-ask]')?.remove())  // so that it is looked at again
    .observe(document, { childList: true, subtree: true });
  addEventListener('load', () => setTimeout(() => location.replace('/b'), 900));
</script>"""


def test_a_tag_that_comes_late_and_leaves_no_element_is_there_and_its_server_is_ours(farm: Farm) -> None:
    farm.serve(trackers=())
    farm.page("", head=LOADS % farm.url("", "consent"))
    report = farm.audit(("before", "refused"), pages=1, wait=1.5)
    assert (report.findings, report.states) == ([], ["before", "refused"]), report.text()


def test_a_tag_that_comes_late_where_patterns_need_it_first_is_late_and_not_missing(farm: Farm) -> None:
    farm.page("", head=LOADS.replace("tag.remove()", "0") % farm.url("", "consent"))
    report = farm.audit(("before",), pages=1, wait=1.5)
    assert [(each.kind, each.name) for each in report.findings] == [("tag", "late")], report.text()
    assert "comes when the page has loaded" in report.findings[0].fix


def test_a_page_that_leads_on_to_one_without_a_tag_keeps_its_own(farm: Farm) -> None:
    farm.serve(trackers=())
    farm.page("", head=f"{LEADS_ON}{farm.tag}")
    farm.page("", "/b", head="")
    report = farm.audit(("before",), pages=1, wait=1.5)
    assert [each for each in report.findings if each.name == "missing"] == [], report.text()
    assert [each for each in report.seen if "/v1/" in each["name"]] == [], report.text()
