"""Forecasts of a tree of places made to add up: least-squares reconciliation.

Every place is forecast for itself, so a nation is not the sum of its provinces. With C the constraints
(each parent less its children, C y = 0 for what is coherent) and W the covariance of the errors, the
nearest coherent forecasts in the metric of W are (Wickramasuriya, Athanasopoulos, Hyndman 2019, JASA
114:804-819, equation 9 and section 2.4; there as y~ = S (S' W^-1 S)^-1 S' W^-1 y^):

    y~ = y^ - W C' (C W C')^-1 C y^

    ols         W = I
    wls_struct  W = diag(number of bottom places below each)
    wls_var     W = diag(variance of the one-step errors)
    mint_shrink W = covariance of the one-step errors, correlations shrunk towards 0 by the optimal share
                of Schaefer and Strimmer (2005), Stat Appl Genet Mol Biol 4:32

Unbiased forecasts stay unbiased, and coherent ones stay as they are. Counts may come out a little below
zero where a place is near it: they are left so, for cutting them off would break the sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Method: TypeAlias = Literal["ols", "wls_struct", "wls_var", "mint_shrink"]

METHODS = ("ols", "wls_struct", "wls_var", "mint_shrink")


def constraints(parents: Sequence[int]) -> Floats:
    """C [n_parents, n_nodes]: for every node with children 1 on itself and -1 on each child. `parents`
    holds every node's parent index, -1 for a root. ValueError for a circle or an index out of range."""
    n = len(parents)
    for node, parent in enumerate(parents):
        if not -1 <= parent < n:
            raise ValueError(f"parents must be indexes of 0 to {n - 1}, or -1; found {parent} at {node}")
        seen, up = {node}, parent
        while up != -1:
            if up in seen:
                raise ValueError(f"the tree must not run in a circle, found one through {up}")
            seen.add(up)
            up = parents[up]
    inner = sorted({parent for parent in parents if parent != -1})
    matrix = np.zeros((len(inner), n))
    for row, node in enumerate(inner):
        matrix[row, node] = 1.0
        matrix[row, [child for child, parent in enumerate(parents) if parent == node]] = -1.0
    return matrix


def summing(parents: Sequence[int]) -> Floats:
    """S [n_nodes, n_bottom]: which bottom nodes (those without children, in order) each node adds up."""
    constraints(parents)  # refuses what is no tree
    bottom = [node for node in range(len(parents)) if node not in set(parents)]
    matrix = np.zeros((len(parents), len(bottom)))
    for column, node in enumerate(bottom):
        up = node
        while up != -1:
            matrix[up, column] = 1.0
            up = parents[up]
    return matrix


def shrunk_covariance(errors: Floats) -> tuple[Floats, float]:
    """(W [n, n], the share of shrinkage) of one-step errors [n, n_times], without a mean taken off as they
    are errors; times with any missing value are left out. Variances are not shrunk. ValueError for fewer
    than three whole times."""
    whole = errors[:, ~np.isnan(errors).any(axis=0)]
    n, times = whole.shape
    if times < 3:
        raise ValueError(f"errors of at least 3 times without a gap are needed, found {times}")
    covariance = whole @ whole.T / times
    spread = np.sqrt(np.diag(covariance))
    scaled = whole / np.where(spread > 0, spread, 1.0)[:, np.newaxis]
    correlation = scaled @ scaled.T / times
    # Var(r_ij) of Schaefer and Strimmer: spread of the products about their mean
    products = (scaled**2) @ (scaled**2).T / times - correlation**2
    apart = ~np.eye(n, dtype=bool)
    noise, signal = products[apart].sum() / (times - 1), (correlation[apart] ** 2).sum()
    share = float(np.clip(noise / signal, 0.0, 1.0)) if signal > 0 else 1.0
    shrunk = np.where(apart, (1.0 - share) * covariance, covariance)
    return shrunk, share


def reconcile(
    forecasts: Floats, parents: Sequence[int], method: Method = "mint_shrink", errors: Floats | None = None
) -> Floats:
    """`forecasts` [n_nodes, ...] made coherent. `errors` [n_nodes, n_times], one-step errors of the past,
    for `wls_var` and `mint_shrink`. Where one forecast of a step is missing, that whole step is NaN: the
    sums would rest on nothing."""
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, found {method!r}")
    if forecasts.shape[0] != len(parents):
        raise ValueError(f"forecasts must have {len(parents)} rows, found {forecasts.shape[0]}")
    weights = error_covariance(parents, method, errors)
    matrix = constraints(parents)
    if not len(matrix):
        return forecasts.astype(np.float64)
    flat = forecasts.reshape(len(parents), -1).astype(np.float64)
    gap = np.linalg.solve(matrix @ weights @ matrix.T, matrix @ flat)
    return (flat - weights @ matrix.T @ gap).reshape(forecasts.shape)


def error_covariance(parents: Sequence[int], method: Method, errors: Floats | None) -> Floats:
    """W [n, n] of the method, up to a scale that does not matter. A node that was never wrong gets a
    millionth of the largest variance, so that it is trusted most and the sums can still be solved."""
    n = len(parents)
    if method == "ols":
        return np.eye(n)
    if method == "wls_struct":
        return np.diag(summing(parents).sum(axis=1))
    if errors is None or errors.shape[0] != n:
        raise ValueError(
            f"method {method} needs errors of {n} nodes, found {None if errors is None else errors.shape}"
        )
    if method == "wls_var":
        with np.errstate(invalid="ignore"):
            covariance = np.diag(np.nanmean(errors**2, axis=1))
    else:
        covariance, _ = shrunk_covariance(errors)
    if not np.isfinite(covariance).all():
        raise ValueError("every node needs a known error, found one without any")
    floor = 1e-6 * max(float(np.diag(covariance).max()), 1e-300)
    np.fill_diagonal(covariance, np.maximum(np.diag(covariance), floor))
    return covariance
