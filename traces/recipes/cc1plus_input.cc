// What cc1plus.sh compiles: it does nothing useful, but instantiates much.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

using Value = std::variant<int, double, std::string, std::vector<std::string>>;

std::map<std::string, std::vector<Value>> table_of(const std::string& text) {
  std::map<std::string, std::vector<Value>> table;
  std::istringstream in(text);
  for (std::string name, word; std::getline(in, name, '=') && std::getline(in, word, ';');) {
    if (word.find('.') != std::string::npos) {
      table[name].emplace_back(std::vector<std::string>{word, word});
    } else {
      table[name].emplace_back(word);
    }
  }
  return table;
}

int main() {
  std::unordered_map<std::string, std::function<int(const Value&)>> rules;
  rules.emplace("size", [](const Value& v) { return static_cast<int>(v.index()); });
  std::vector<std::pair<std::string, int>> found;
  for (const auto& [name, values] : table_of("a=1;b=x.y;c=three")) {
    const int sum = std::accumulate(values.begin(), values.end(), 0,
                                    [&](int n, const Value& v) { return n + rules["size"](v); });
    found.emplace_back(name, sum);
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  for (const auto& [name, sum] : found) std::cout << name << ' ' << sum << '\n';
}
