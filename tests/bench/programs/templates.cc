// A load for a C++ compiler: heavy standard headers and templates that they have to instantiate.
// Compiled, never run.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <ranges>
#include <regex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int kN>
struct Tagged {
  std::map<int, std::vector<std::string>> rows;
  std::unordered_map<std::string, std::tuple<int, double, Tagged*>> index;
  std::variant<int, std::string, std::vector<double>> value;
  void add(const std::string& text) {
    std::smatch match;
    if (std::regex_search(text, match, std::regex("([a-z]+)([0-9]*)")))
      rows[kN].push_back(match[1]);
    index.emplace(text, std::make_tuple(kN, 1.0, this));
    std::ranges::sort(rows[kN], std::greater<>{});
    value = text;
  }
  int sum() {
    int total = 0;
    std::ranges::for_each(rows,
                          [&](const auto& row) { total += static_cast<int>(row.second.size()); });
    return total +
           std::visit([](const auto& held) { return static_cast<int>(sizeof held); }, value);
  }
};

template <int... kNs>
int all(std::integer_sequence<int, kNs...>) {
  std::tuple<Tagged<kNs>...> tags;
  (std::get<kNs>(tags).add("abc"), ...);
  return (std::get<kNs>(tags).sum() + ...);
}

#ifndef INSTANCES
#define INSTANCES 3
#endif

int main() { std::cout << all(std::make_integer_sequence<int, INSTANCES>{}) << '\n'; }
