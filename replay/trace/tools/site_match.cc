#include "replay/trace/tools/site_match.h"

#include <regex.h>

#include <algorithm>
#include <list>

namespace replay {
namespace {

class Pattern {
 public:
  explicit Pattern(const std::string& text)
      : text_(text), is_regex_(::regcomp(&regex_, text.c_str(), REG_EXTENDED | REG_NOSUB) == 0) {}
  ~Pattern() {
    if (is_regex_) ::regfree(&regex_);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  bool matches(const std::string& frame) const {
    return frame.find(text_) != std::string::npos ||
           (is_regex_ && ::regexec(&regex_, frame.c_str(), 0, nullptr, 0) == 0);
  }

 private:
  std::string text_;
  regex_t regex_;
  bool is_regex_;
};

}  // namespace

std::vector<bool> matching_sites(const SiteTable& table, const std::vector<std::string>& texts) {
  const std::list<Pattern> patterns(texts.begin(), texts.end());
  const auto frame_matches = [&](const SiteTable::Frame& frame) {
    const std::string text = table.text(frame);
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const Pattern& pattern) { return pattern.matches(text); });
  };
  std::vector<bool> frames;
  for (const SiteTable::Frame& frame : table.frames) frames.push_back(frame_matches(frame));
  std::vector<bool> nodes = {false};  // 0 is none
  for (const SiteTable::Node& node : table.nodes) {
    nodes.push_back(frames[node.frame] || nodes[node.parent]);
  }
  std::vector<bool> sites = {false};
  for (const std::uint32_t node : table.stacks) sites.push_back(nodes[node]);
  return sites;
}

}  // namespace replay
