// How much memory each call site of a trace asked for and held: what is behind "hot sites".
//
// A block belongs to the site that gave it its size: that of its birth, then that of the last
// realloc that names one. Site 0 is all whose site is not known.
//
// Not thread-safe. add() is O(1) on average an event; memory is O(live objects + sites). Bytes are
// those that the program asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "replay/trace/event.h"
#include "replay/trace/object_map.h"

namespace replay {

struct SiteUse {
  std::uint32_t site = 0;
  std::uint64_t calls = 0;            // births and reallocs
  std::uint64_t requested_bytes = 0;  // by births; reallocs add what they grow
  // At the first moment of most live bytes of the whole trace.
  std::uint64_t live_bytes_at_peak = 0;
  std::uint64_t live_objects_at_peak = 0;
  std::uint64_t unfreed_bytes = 0;
  std::uint64_t unfreed_objects = 0;

  friend bool operator==(const SiteUse&, const SiteUse&) = default;
};

class SiteSummarizer {
 public:
  // pre: a free or realloc is of a live object, as Summarizer checks.
  void add(std::span<const Event> events);
  // Of the sites that made a call, by number.
  std::vector<SiteUse> result() const;

 private:
  // The state of a site at the last peak is kept when the site changes for the first time since.
  struct Site {
    SiteUse use;  // without what was live at the peak
    std::uint64_t peak = 0;
    std::uint64_t bytes_at_peak = 0;
    std::uint64_t objects_at_peak = 0;
  };
  struct Object {
    std::uint64_t size;
    std::uint32_t site;
  };

  void add(const Event& event);
  // The site, whose live bytes are about to change.
  Site& changing(std::uint32_t site);
  void release(const Object& object);

  ObjectMap<Object> live_;
  std::unordered_map<std::uint32_t, Site> sites_;  // by number
  std::uint64_t live_bytes_ = 0;
  std::uint64_t peak_bytes_ = 0;
  std::uint64_t peak_ = 0;  // counts the moments of more live bytes than ever before
};

// The `count` sites with the most of `measure`, the most first; none that has nothing of it.
std::vector<SiteUse> hottest(std::vector<SiteUse> sites, std::uint64_t SiteUse::*measure,
                             std::size_t count);

}  // namespace replay
