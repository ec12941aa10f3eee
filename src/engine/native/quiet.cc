// Two functions for Node: silence() points the process's standard error at nothing, restore() brings it back.
// TensorFlow and Dawn write start-up chatter there from C++, before any setting of theirs can stop it.
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

namespace {

int kept = -1;

napi_value Silence(napi_env, napi_callback_info) {
  if (kept >= 0) return nullptr;
  const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nothing < 0) return nullptr;
  kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (kept >= 0) dup2(nothing, STDERR_FILENO);
  close(nothing);
  return nullptr;
}

napi_value Restore(napi_env, napi_callback_info) {
  if (kept < 0) return nullptr;
  dup2(kept, STDERR_FILENO);
  close(kept);
  kept = -1;
  return nullptr;
}

napi_value Register(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "silence", NAPI_AUTO_LENGTH, Silence, nullptr, &function);
  napi_set_named_property(env, exports, "silence", function);
  napi_create_function(env, "restore", NAPI_AUTO_LENGTH, Restore, nullptr, &function);
  napi_set_named_property(env, exports, "restore", function);
  return exports;
}

}  // namespace

NAPI_MODULE(quiet, Register)
