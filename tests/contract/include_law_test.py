"""The include law: a file includes only its own folder or a lower layer."""

import unittest

import source_tree

# Lowest first. Folders of one row stand side by side and do not see each other; folders joined by
# "+" are one folder in the eyes of the law. replay/main.cc is a layer of its own.
CORE_LAYERS = [
    ["core/include", "core/base"],
    ["core/os", "core/alloc"],
    ["core/mem+core/mem/policy"],
    ["core/allocators"],
    ["core/dropin"],
]
REPLAY_LAYERS = [
    ["replay/trace+replay/trace/importers+replay/trace/exporters"],
    ["replay/trace/tools"],
    ["replay/record+replay/record/preload", "replay/gen", "replay/engine", "replay/floor"],
    ["replay/metrics"],
    ["replay/report"],
    ["replay/cli"],
    ["replay"],
]
CORE_SEEN_BY_REPLAY = {"core/alloc", "core/base", "core/os"}

# folder -> (tree, layer, the folder that the law takes it for)
PLACES = {folder: (tree, layer, group)
          for tree, layers in (("core", CORE_LAYERS), ("replay", REPLAY_LAYERS))
          for layer, row in enumerate(layers)
          for group in row
          for folder in group.split("+")}


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def allowed(user: str, used: str) -> bool:
    """Whether files of folder `user` may include files of folder `used`."""
    user_tree, user_layer, user_group = PLACES[user]
    used_tree, used_layer, used_group = PLACES[used]
    if user_tree != used_tree:
        return user_tree == "replay" and used in CORE_SEEN_BY_REPLAY
    return used_group == user_group or used_layer < user_layer


def violations(root) -> list[str]:
    found = []
    for file in source_tree.sources(root, "core", "replay"):
        user = folder_of(file)
        if user not in PLACES:
            found.append(f"{file}: {user}/ has no layer")
            continue
        for quote, target in source_tree.includes(root, file):
            used = folder_of(target)
            if quote == "<" and not target.startswith(("core/", "replay/")):
                continue
            if used not in PLACES:
                found.append(f'{file}: "{target}" is not written from the root')
            elif not allowed(user, used):
                found.append(f"{file}: {user}/ must not include {target}")
    return found


class IncludeLaw(unittest.TestCase):
    def check(self, file: str, include: str, expected: str | None):
        found = source_tree.found_in(violations, {file: f"#include {include}\n"})
        if expected is None:
            self.assertEqual(found, [])
        else:
            self.assertEqual(len(found), 1, found)
            self.assertIn(expected, found[0])

    def test_the_tree_keeps_it(self):
        source_tree.assert_none(self, violations(source_tree.ROOT))

    def test_lower_layers_and_the_own_folder_may_be_included(self):
        self.check("core/mem/a.h", '"core/base/bits.h"', None)
        self.check("core/mem/a.h", '"core/mem/policy/b.h"', None)
        self.check("core/mem/policy/b.h", '"core/mem/a.h"', None)
        self.check("replay/engine/a.cc", '"replay/engine/a.h"', None)
        self.check("replay/engine/a.cc", '"core/os/clock.h"', None)
        self.check("replay/main.cc", '"replay/cli/command.h"', None)
        self.check("replay/cli/a.cc", "<CLI/CLI.hpp>", None)

    def test_a_higher_layer_may_not(self):
        self.check("core/base/a.h", '"core/os/pages.h"', "must not include")
        self.check("replay/trace/a.cc", '"replay/report/json.h"', "must not include")
        self.check("replay/trace/a.cc", "<replay/report/json.h>", "must not include")
        self.check("replay/cli/a.cc", '  "replay/main.h"', "must not include")

    def test_a_neighbour_of_the_same_layer_may_not(self):
        self.check("core/os/a.cc", '"core/alloc/allocator.h"', "must not include")
        self.check("replay/record/a.cc", '"replay/engine/plan.h"', "must not include")

    def test_core_never_sees_replay_and_replay_sees_little_of_core(self):
        self.check("core/dropin/a.cc", '"replay/trace/event.h"', "must not include")
        self.check("replay/engine/a.cc", '"core/mem/heap.h"', "must not include")

    def test_includes_start_at_the_root(self):
        self.check("core/os/a.cc", '"pages.h"', "not written from the root")
        self.check("core/os/a.cc", '"../base/bits.h"', "not written from the root")

    def test_each_folder_has_a_layer(self):
        self.check("core/utils/a.h", "<cstddef>", "has no layer")


if __name__ == "__main__":
    unittest.main()
