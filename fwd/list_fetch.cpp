// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/list_fetch.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <optional>

#include <curl/curl.h>
#include <fmt/format.h>

#include "fwd/handle.hpp"
#include "fwd/version.hpp"

namespace doorward {
namespace {

using Clock = std::chrono::steady_clock;
using Easy = CHandle<CURL, curl_easy_cleanup>;
using Headers = CHandle<curl_slist, curl_slist_free_all>;

constexpr int most_redirects = 5;
constexpr long connect_seconds = 30;
constexpr std::size_t longest_header = 512;

// What one answer brings in.
struct Answer {
    std::size_t max_bytes = 0;
    bool too_long = false;
    Fetched fetched;
    long status = 0;
    std::string redirect;  // whole URL; empty: none
};

// Called by a C library: nothing may be thrown through it.
std::size_t take_body(const char* data, std::size_t, std::size_t size, void* context) {
    auto& answer = *static_cast<Answer*>(context);
    std::string& body = answer.fetched.body;
    answer.too_long = size > answer.max_bytes - body.size();
    if (answer.too_long) return 0;
    try {
        body.append(data, size);
    } catch (const std::bad_alloc&) {
        return 0;
    }
    return size;
}

// The value of the header `name`, as it can be sent back; empty if the line is another header's.
std::string_view header_value(std::string_view line, std::string_view name) {
    if (line.size() <= name.size() || line.size() > longest_header) return {};
    const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
    if (!std::ranges::equal(line.substr(0, name.size()), name, {}, small)) return {};
    line.remove_prefix(name.size());
    while (line.starts_with(' ')) line.remove_prefix(1);
    while (line.ends_with('\n') || line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    const bool plain = std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; });
    return plain ? line : std::string_view();
}

std::size_t take_header(const char* data, std::size_t, std::size_t size, void* context) {
    auto& fetched = static_cast<Answer*>(context)->fetched;
    const std::string_view line(data, size);
    try {
        if (const auto etag = header_value(line, "etag:"); !etag.empty()) fetched.etag = etag;
        if (const auto time = header_value(line, "last-modified:"); !time.empty())
            fetched.last_modified = time;
    } catch (const std::bad_alloc&) {
        return 0;
    }
    return size;
}

Headers conditions(const FetchRequest& request) {
    curl_slist* list = nullptr;
    if (!request.etag.empty()) list = curl_slist_append(list, ("If-None-Match: " + request.etag).c_str());
    if (!request.last_modified.empty())
        list = curl_slist_append(list, ("If-Modified-Since: " + request.last_modified).c_str());
    return Headers(list);
}

// Sets options until one fails: a bound that can't be set must not be gone without.
class Options {
public:
    explicit Options(CURL* easy) : easy_(easy) {}

    template <class T>
    Options& set(CURLoption option, T value) {
        if (result_ == CURLE_OK) result_ = curl_easy_setopt(easy_, option, value);
        return *this;
    }
    CURLcode result() const { return result_; }

private:
    CURL* easy_;
    CURLcode result_ = CURLE_OK;
};

CURLcode prepare(CURL* easy, const FetchRequest& request, const std::string& url, long milliseconds,
                 Answer& answer, curl_slist* headers) {
    const char* schemes = url.starts_with("https:") ? "https" : "http,https";
    Options options(easy);
    options.set(CURLOPT_URL, url.c_str())
        .set(CURLOPT_PROTOCOLS_STR, schemes)
        .set(CURLOPT_FOLLOWLOCATION, 0L)
        .set(CURLOPT_SSL_VERIFYPEER, 1L)
        .set(CURLOPT_SSL_VERIFYHOST, 2L)
        .set(CURLOPT_NOSIGNAL, 1L)
        .set(CURLOPT_TIMEOUT_MS, milliseconds)
        .set(CURLOPT_CONNECTTIMEOUT, connect_seconds)
        .set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.max_bytes))
        .set(CURLOPT_PROXY, request.proxy.c_str())  // an empty one keeps the environment's away
        .set(CURLOPT_NOPROXY, "")
        .set(CURLOPT_ACCEPT_ENCODING, "gzip")
        .set(CURLOPT_USERAGENT, (std::string("doorward-lists/") + version).c_str())
        .set(CURLOPT_HTTPHEADER, headers)
        .set(CURLOPT_WRITEFUNCTION, take_body)
        .set(CURLOPT_WRITEDATA, static_cast<void*>(&answer))
        .set(CURLOPT_HEADERFUNCTION, take_header)
        .set(CURLOPT_HEADERDATA, static_cast<void*>(&answer));
    if (!request.ca_file.empty()) options.set(CURLOPT_CAINFO, request.ca_file.c_str());
    return options.result();
}

std::unexpected<Error> curl_fail(const std::string& url, const std::string& why, std::string remedy = {}) {
    return fail(fmt::format("{} can't be fetched: {}", url, why), std::move(remedy));
}

Result<Answer> ask(const FetchRequest& request, const std::string& url, Clock::time_point deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return curl_fail(url, "the time is up", "raise timeout_seconds");
    // All of these must outlive the handle that is told of them.
    Answer answer;
    answer.max_bytes = request.max_bytes;
    char message[CURL_ERROR_SIZE] = "";
    const Headers headers = conditions(request);
    const Easy easy(curl_easy_init());
    if (!easy) return curl_fail(url, "no memory");
    curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, message);
    CURLcode result = prepare(easy.get(), request, url, left, answer, headers.get());
    if (result == CURLE_OK) result = curl_easy_perform(easy.get());
    if (answer.too_long || result == CURLE_FILESIZE_EXCEEDED)
        return curl_fail(url, fmt::format("it has more than {} bytes", request.max_bytes),
                         "raise max_bytes if that is right");
    if (result == CURLE_OPERATION_TIMEDOUT)
        return curl_fail(url, fmt::format("it took more than {} s", request.timeout_seconds),
                         "try later, or raise timeout_seconds");
    if (result != CURLE_OK) return curl_fail(url, *message ? message : curl_easy_strerror(result));
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &answer.status);
    const char* redirect = nullptr;
    curl_easy_getinfo(easy.get(), CURLINFO_REDIRECT_URL, &redirect);
    if (redirect) answer.redirect = redirect;
    return answer;
}

// Redirects are followed here and not by the library: what may follow hangs on where it comes from.
Result<void> check_redirect(const std::string& from, const std::string& to) {
    const bool https = to.starts_with("https://");
    if (https || (to.starts_with("http://") && !from.starts_with("https:"))) return {};
    return curl_fail(from, "it leads to " + to.substr(0, 200), "only https is followed from https");
}

}  // namespace

Result<Fetched> fetch(const FetchRequest& request) {
    const auto deadline = Clock::now() + std::chrono::seconds(request.timeout_seconds);
    const bool conditional = !request.etag.empty() || !request.last_modified.empty();
    std::string url = request.url;
    for (int hops = 0; hops <= most_redirects; ++hops) {
        auto answer = ask(request, url, deadline);
        if (!answer) return std::unexpected(answer.error());
        if (answer->status == 304 && conditional) return Fetched{.not_modified = true};
        if (answer->status == 200) return std::move(answer->fetched);
        if (answer->redirect.empty())
            return curl_fail(url, fmt::format("the server answers with status {}", answer->status),
                             "look whether the address is still right");
        if (auto good = check_redirect(url, answer->redirect); !good)
            return std::unexpected(good.error());
        url = answer->redirect;
    }
    return curl_fail(request.url, fmt::format("it leads on more than {} times", most_redirects),
                     "give the address where it ends");
}

}  // namespace doorward
