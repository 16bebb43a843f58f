#include "replay/trace/site_summary.h"

#include <algorithm>

namespace replay {

void SiteSummarizer::add(std::span<const Event> events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    prefetch_ahead(live_, events, i);
    add(events[i]);
  }
}

SiteSummarizer::Site& SiteSummarizer::changing(std::uint32_t number) {
  Site& site = sites_[number];
  if (site.peak != peak_) {
    site.peak = peak_;
    site.bytes_at_peak = site.use.unfreed_bytes;
    site.objects_at_peak = site.use.unfreed_objects;
  }
  return site;
}

void SiteSummarizer::release(const Object& object) {
  SiteUse& use = changing(object.site).use;
  use.unfreed_bytes -= object.size;
  --use.unfreed_objects;
  live_bytes_ -= object.size;
}

void SiteSummarizer::add(const Event& event) {
  if (event.op == Op::kFree) {
    release(*live_.find(event.object));
    live_.erase(event.object);
    return;
  }
  std::uint64_t more = event.size;
  std::uint32_t owner = event.site;
  Object* object = nullptr;
  if (is_birth(event.op)) {
    object = live_.insert(event.object);
  } else {
    object = live_.find(event.object);
    release(*object);
    more -= std::min(more, object->size);
    if (owner == 0) owner = object->site;
  }
  *object = {event.size, owner};
  SiteUse& use = changing(owner).use;
  ++use.calls;
  use.requested_bytes += more;
  use.unfreed_bytes += event.size;
  ++use.unfreed_objects;
  live_bytes_ += event.size;
  if (live_bytes_ > peak_bytes_) {
    peak_bytes_ = live_bytes_;
    ++peak_;
  }
}

std::vector<SiteUse> SiteSummarizer::result() const {
  std::vector<SiteUse> uses;
  uses.reserve(sites_.size());
  for (const auto& [number, site] : sites_) {
    SiteUse use = site.use;
    use.site = number;
    const bool changed = site.peak == peak_;
    use.live_bytes_at_peak = changed ? site.bytes_at_peak : use.unfreed_bytes;
    use.live_objects_at_peak = changed ? site.objects_at_peak : use.unfreed_objects;
    uses.push_back(use);
  }
  std::sort(uses.begin(), uses.end(),
            [](const SiteUse& a, const SiteUse& b) { return a.site < b.site; });
  return uses;
}

std::vector<SiteUse> hottest(std::vector<SiteUse> sites, std::uint64_t SiteUse::*measure,
                             std::size_t count) {
  std::erase_if(sites, [&](const SiteUse& use) { return use.*measure == 0; });
  std::stable_sort(sites.begin(), sites.end(),
                   [&](const SiteUse& a, const SiteUse& b) { return a.*measure > b.*measure; });
  sites.resize(std::min(sites.size(), count));
  return sites;
}

}  // namespace replay
