// Where a program called its allocator: the stacks that the events of a trace name by number, and
// what is known of their frames. To and from the bytes of a trace (traces/README.md).
//
// Decoding trusts nothing; memory is bounded by the limits of format::sites, to about 1 GB.
// Throws nothing but what memory runs out of. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace replay {

struct SiteTable {
  struct Module {
    std::string path;
    std::string build_id;  // hexadecimal; "" if it has none

    friend bool operator==(const Module&, const Module&) = default;
  };
  struct Frame {
    std::uint32_t module = 0;    // 0: in none, else the number of a module
    std::uint64_t offset = 0;    // of the return address, as the module's file counts
    std::uint32_t function = 0;  // strings; 0: not known
    std::uint32_t file = 0;
    std::uint32_t line = 0;  // 0: not known

    friend bool operator==(const Frame&, const Frame&) = default;
  };
  // A frame and what called it: the path from a node to the root is a stack.
  struct Node {
    std::uint32_t parent =
        0;                    // the caller's node, always below this one's number; 0: there is none
    std::uint32_t frame = 0;  // index in `frames`

    friend bool operator==(const Node&, const Node&) = default;
  };

  // Strings, modules, nodes and stacks are numbered from 1; 0 is none.
  std::vector<std::string> strings;
  std::vector<Module> modules;
  std::vector<Frame> frames;
  std::vector<Node> nodes;
  std::vector<std::uint32_t> stacks;  // the innermost frame's node; 0: nothing is known

  // The frames of stack `site`, the innermost first; none for a number that is not in the table.
  std::vector<Frame> stack(std::uint32_t site) const;
  // "function (file:line)", "function (module)" or "module+0x1234".
  std::string text(const Frame& frame) const;

  friend bool operator==(const SiteTable&, const SiteTable&) = default;
};

// Head and frame. Throws Error if the table is larger than the format allows.
std::string encode_site_table(const SiteTable& table);

// The sizes of a head of format::sites::kHeadSize bytes, or what is wrong with it.
std::string decode_site_head(const unsigned char* from, std::uint32_t* compressed_size,
                             std::uint32_t* raw_size);
// Returns what is wrong, or "" if `table` holds it now. pre: decode_site_head gave raw_size.
std::string decode_site_table(std::span<const unsigned char> frame, std::uint32_t raw_size,
                              SiteTable* table);

}  // namespace replay
