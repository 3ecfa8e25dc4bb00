// A web server on loopback for tests: it knows ranges, and how to misbehave.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sextant/base/check.h"

namespace sextant {

struct TestReply {
  std::string body;
  int status = 200;
  size_t stop_after = std::string::npos;  // bytes of an answer's body before the connection closes
  bool stall = false;                     // then stay silent instead of closing
  bool ranges = true;                     // honour a Range header
  std::string location;                   // of a redirect
};

class TestServer {
 public:
  explicit TestServer(std::map<std::string, TestReply> replies) : replies_(std::move(replies)) {
    ::setenv("no_proxy", "127.0.0.1", 1);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    SEXTANT_CHECK(
        ::bind(listener_, raw, size) == 0 && ::listen(listener_, 8) == 0 && ::getsockname(listener_, raw, &size) == 0,
        "[test server] can't listen on loopback");
    port_ = ::ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TestServer() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string url(const std::string& path) const { return concat("http://127.0.0.1:", port_, path); }
  void set(const std::string& path, TestReply reply) {
    const std::lock_guard lock(mutex_);
    replies_[path] = std::move(reply);
  }
  // "path" or "path from 123" for each request so far.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  bool readable(int socket) const {
    while (!stop_) {
      pollfd wait{.fd = socket, .events = POLLIN, .revents = 0};
      if (::poll(&wait, 1, 20) > 0) return true;
    }
    return false;
  }
  void serve() {
    while (readable(listener_)) {
      const int client = ::accept(listener_, nullptr, nullptr);
      if (client < 0) continue;
      answer(client);
      ::close(client);
    }
  }
  void answer(int client) {
    std::string request;
    char piece[1024];
    while (request.find("\r\n\r\n") == std::string::npos) {
      if (!readable(client)) return;
      const ssize_t got = ::recv(client, piece, sizeof(piece), 0);
      if (got <= 0) return;
      request.append(piece, static_cast<size_t>(got));
    }
    const std::string path = request.substr(4, request.find(' ', 4) - 4);
    const size_t range = request.find("Range: bytes=");
    size_t from = range == std::string::npos ? 0 : std::stoul(request.substr(range + 13));
    TestReply reply{.status = 404};
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(from > 0 ? concat(path, " from ", from) : path);
      if (const auto found = replies_.find(path); found != replies_.end()) reply = found->second;
    }
    if (!reply.ranges) from = 0;
    if (reply.status != 200) from = 0;
    if (from > 0 && from >= reply.body.size()) reply.status = 416, reply.body.clear(), from = 0;
    if (from > 0) reply.status = 206;
    const std::string body = reply.body.substr(from);
    send(client,
         concat("HTTP/1.1 ", reply.status, " Status\r\nContent-Length: ", body.size(),
                reply.location.empty() ? "" : "\r\nLocation: " + reply.location, "\r\nConnection: close\r\n\r\n"));
    send(client, body.substr(0, reply.stop_after));
    if (reply.stall) readable(client);  // until the client gives up
  }
  static void send(int client, const std::string& bytes) {
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t put = ::send(client, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (put <= 0) return;
      done += static_cast<size_t>(put);
    }
  }

  mutable std::mutex mutex_;
  std::map<std::string, TestReply> replies_;
  std::vector<std::string> requests_;
  std::atomic<bool> stop_ = false;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace sextant
