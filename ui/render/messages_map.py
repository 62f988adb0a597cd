"""The lines of the tab that shows the collection as a map, and the words that are near one another.

A part of the one table in `messages`; the same rules hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MAP: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "nav.map": ("Map", "地图"),
        "map.head": ("Passages with like meanings lie together", "含义相近的段落彼此靠近"),
        "map.drawing": ("Drawing the map …", "正在绘制地图 ……"),
        "map.kept": (
            "{shown} of {all} passages; the plane keeps {share} of what their vectors differ by.",
            "显示 {all} 个段落中的 {shown} 个；平面保留了向量差异的 {share}。",
        ),
        "map.shown": ("{shown} of {all} passages", "显示 {all} 个段落中的 {shown} 个"),
        "map.projection": ("Drawn by", "绘制方法"),
        "map.too_few": ("There are too few passages to draw a map of.", "段落太少，无法绘制地图。"),
        "map.document": ("Document", "文档"),
        "map.passage": ("Passage", "段落"),
        "map.others": ("others", "其他"),
        "map.words": ("Words that are near", "相近的词"),
        "map.word": ("A word", "词语"),
        "map.counting": ("Reading the collection's words …", "正在读取文档库的词语 ……"),
        "map.near_word": ("Word", "词"),
        "map.near_cosine": ("Cosine", "余弦"),
        "map.near_count": ("Occurs", "出现次数"),
    }
)
