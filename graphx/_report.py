"""What the door did to the data on its way into a Graph: counted, never silent."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CleaningReport"]


@dataclass(frozen=True, slots=True)
class CleaningReport:
    """Counts of everything that reading or converting changed; all zero when the data came through as it was.

    Attributes:
        source: Where the data came from (a path, ``<stdin>``, a packaged name), empty for arrays.
        lines: Lines of text read, with comments and blank ones.
        comments: Comment lines and blank lines skipped.
        header: The header line that was skipped, empty when there was none.
        edges_read: Edges (or stored matrix entries) before any cleaning.
        duplicates_merged: Edges merged into an equal one; in an undirected graph ``(u, v)`` and ``(v, u)`` are equal.
        self_loops_dropped: Edges ``(u, u)`` left out.
        zeros_dropped: Explicit zeros of a matrix left out.
        symmetrised: Stored entries added because only ``(v, u)`` was there.
        relabelled: Node ids that are not ``0..N-1`` and became names: ``''``, ``'integers'`` or ``'text'``.
        text_ids_because: Where ids first were not integers, so that all were read as text.
        weights_dropped: A weight column or array was there and left out on request.

    Example:
        >>> CleaningReport(source="g.txt", edges_read=5, duplicates_merged=2).summary()
        'g.txt: 5 edges read; 2 duplicates merged'
        >>> CleaningReport().is_clean
        True
    """

    source: str = ""
    lines: int = 0
    comments: int = 0
    header: str = ""
    edges_read: int = 0
    duplicates_merged: int = 0
    self_loops_dropped: int = 0
    zeros_dropped: int = 0
    symmetrised: int = 0
    relabelled: str = ""
    text_ids_because: str = ""
    weights_dropped: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether nothing was changed, left out or renamed."""
        changed = self.duplicates_merged or self.self_loops_dropped or self.zeros_dropped or self.symmetrised
        return not (changed or self.header or self.relabelled or self.weights_dropped)

    def summary(self) -> str:
        """One line for a person: what was read, then what was changed.

        Returns:
            Text without a newline.
        """
        parts = [f"{self.edges_read:,} edges read"]
        if self.comments:
            parts[0] += f" ({self.comments:,} comment or blank {_plural(self.comments, 'line')} skipped)"
        if self.header:
            parts.append(f"header line {self.header!r} skipped")
        if self.duplicates_merged:
            parts.append(f"{self.duplicates_merged:,} {_plural(self.duplicates_merged, 'duplicate')} merged")
        if self.self_loops_dropped:
            parts.append(f"{self.self_loops_dropped:,} {_plural(self.self_loops_dropped, 'self-loop')} dropped")
        if self.zeros_dropped:
            parts.append(f"{self.zeros_dropped:,} explicit {_plural(self.zeros_dropped, 'zero')} dropped")
        if self.symmetrised:
            parts.append(f"{self.symmetrised:,} one-way {_plural(self.symmetrised, 'entry', 'entries')} symmetrised")
        if self.relabelled == "integers":
            parts.append("integer ids are not 0..N-1 and were kept as names")
        if self.relabelled == "text":
            why = f" (first at {self.text_ids_because})" if self.text_ids_because else ""
            parts.append(f"ids read as text{why}")
        if self.weights_dropped:
            parts.append("weights left out as asked")
        text = "; ".join(parts)
        return f"{self.source}: {text}" if self.source else text


def _plural(count: int, one: str, many: str = "") -> str:
    return one if count == 1 else (many or one + "s")
