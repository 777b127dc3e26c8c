"""What stands in another language than what is around it is marked; the rest of a page stays as it is."""

import pytest

from server.console.tongues import marked


@pytest.mark.parametrize(
    ("language", "html", "expected"),
    [
        pytest.param("en", "<b>相談</b>", '<b lang="ja">相談</b>', id="a-word-that-fills-its-element"),
        pytest.param("en", "<p>LINE · 初回の相談 · 相談</p>", '<p>LINE · <span lang="ja">初回の相談 · 相談</span></p>',
                     id="a-run-within-words"),
        pytest.param("en", "<p>Rule: 「妊娠」 is held</p>", '<p>Rule: 「<span lang="ja">妊娠」</span> is held</p>',
                     id="a-quotation"),
        pytest.param("en", '<option value="a">服用中</option>', '<option value="a" lang="ja">服用中</option>',
                     id="what-can-hold-no-element"),
        pytest.param("en", '<p lang="ja">服用 <b>中</b></p>', '<p lang="ja">服用 <b>中</b></p>', id="marked-already"),
        pytest.param("en", '<p lang="ja">服用 <b lang="en">and 中</b></p>',
                     '<p lang="ja">服用 <b lang="en">and <span lang="ja">中</span></b></p>', id="marked-within"),
        pytest.param("en", '<p>a<br>b<input value="漢方">漢方</p>',
                     '<p>a<br>b<input value="漢方"><span lang="ja">漢方</span></p>', id="elements-that-hold-nothing"),
        pytest.param("en", '<b aria-label="Name">漢方</b>', '<b aria-label="Name"><span lang="ja">漢方</span></b>',
                     id="a-label-keeps-its-own-language"),
        pytest.param("en", '<script>"漢方"</script><i>x</i>', '<script>"漢方"</script><i>x</i>', id="a-script"),
        pytest.param("ja", "<p>It did not fit.</p>", '<p lang="en">It did not fit.</p>', id="an-english-sentence"),
        pytest.param("ja", "<p>相談 <i>x</i> The model did not answer</p>",
                     '<p>相談 <i>x</i> <span lang="en">The model did not answer</span></p>', id="beside-others"),
        pytest.param("ja", "<code>gpt-4o mini</code><kbd>Ctrl ⏎</kbd>", "<code>gpt-4o mini</code><kbd>Ctrl ⏎</kbd>",
                     id="names-of-models-and-keys"),
    ],
)  # fmt: skip
def test_words_of_another_language_are_marked(language: str, html: str, expected: str) -> None:
    assert marked(html, language) == expected
