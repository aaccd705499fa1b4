"""Title neighbours: items whose titles share the words that few titles hold."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix, vstack
from sklearn.feature_extraction.text import TfidfVectorizer

from slmrec.neighbours.sparse_rows import best_per_row, row_blocks
from slmrec.params.neighbours import TitleParams

PRODUCTS_AT_ONCE = 20_000_000  # of two terms' weights; bounds memory
WORD = r"(?u)\b\w+\b"  # of one letter too: sizes and model numbers tell items apart


def title_similarity(items: pl.DataFrame, rows: int, p: TitleParams, count: int) -> csr_matrix:
    """Each item's `count` best neighbours by its title, of a table of items.  # (rows, rows)

    The weight is the cosine of TF-IDF vectors of words and runs of words. An item without a title,
    or of which every word is its own or everybody's, has none.
    """
    titled = items.filter(pl.col("title").str.strip_chars().str.len_chars() > 0)
    terms = title_terms(titled["title"].to_list(), p)  # (T, terms)
    holders = np.bincount(terms.indices, minlength=terms.shape[1])  # titles that hold each term
    work = np.asarray((terms != 0) @ holders).ravel()
    blocks = [_similar(terms, block, count) for block in row_blocks(work, PRODUCTS_AT_ONCE)]
    index = titled["item_index"].to_numpy().astype(np.int64)
    similar = vstack(blocks, format="coo") if blocks else csr_matrix((0, 0)).tocoo()
    places = (index[similar.row], index[similar.col])
    return csr_matrix((similar.data, places), shape=(rows, rows))


def title_terms(titles: list[str], p: TitleParams) -> csr_matrix:
    """TF-IDF vectors of titles, of length 1; without a column where no term is shared."""
    try:
        return title_vectorizer(p).fit_transform(titles)
    except ValueError:  # how it says that no term is left
        return csr_matrix((len(titles), 0))


def title_vectorizer(p: TitleParams) -> TfidfVectorizer:
    """What makes TF-IDF vectors of titles; terms and their weights are not chosen yet."""
    return TfidfVectorizer(
        ngram_range=(1, p.words),
        min_df=2,  # a term of one title makes nothing similar
        max_df=p.most_titles,
        token_pattern=WORD,
        sublinear_tf=True,
    )


def _similar(terms: csr_matrix, block: slice, count: int) -> csr_matrix:
    """The best neighbours of a block of titles, not themselves."""
    cosines = (terms[block] @ terms.T).tocoo()
    cosines.data[cosines.row + block.start == cosines.col] = 0
    return best_per_row(cosines.tocsr(), count)
