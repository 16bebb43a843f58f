#include "replay/trace/tools/site_merge.h"

#include <map>
#include <string>
#include <utility>

namespace replay {
namespace {

// Adds what is new of `from`; returns the new number of each, by its old one; 0 stays 0.
template <class Entry, class Key>
std::vector<std::uint32_t> unite(const std::vector<Entry>& from, std::vector<Entry>* to, Key key) {
  std::map<decltype(key(from.front())), std::uint32_t> known;
  std::uint32_t number = 0;
  for (const Entry& entry : *to) known.try_emplace(key(entry), ++number);
  std::vector<std::uint32_t> numbers = {0};
  for (const Entry& entry : from) {
    const auto next = static_cast<std::uint32_t>(to->size() + 1);
    const auto [found, is_new] = known.try_emplace(key(entry), next);
    if (is_new) to->push_back(entry);
    numbers.push_back(found->second);
  }
  return numbers;
}

}  // namespace

void append_sites(const SiteTable& from, SiteTable* to) {
  const auto strings =
      unite(from.strings, &to->strings, [](const std::string& text) { return text; });
  const auto modules = unite(from.modules, &to->modules, [](const SiteTable::Module& module) {
    return std::pair(module.path, module.build_id);
  });
  const auto frames_before = static_cast<std::uint32_t>(to->frames.size());
  const auto nodes_before = static_cast<std::uint32_t>(to->nodes.size());
  for (SiteTable::Frame frame : from.frames) {
    frame.module = modules[frame.module];
    frame.function = strings[frame.function];
    frame.file = strings[frame.file];
    to->frames.push_back(frame);
  }
  for (const SiteTable::Node& node : from.nodes) {
    to->nodes.push_back(
        {node.parent == 0 ? 0 : node.parent + nodes_before, node.frame + frames_before});
  }
  for (const std::uint32_t node : from.stacks) {
    to->stacks.push_back(node == 0 ? 0 : node + nodes_before);
  }
}

}  // namespace replay
