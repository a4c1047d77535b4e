// main.cpp - example VOICE RESPONSE OUTPUT: the library from outside
//
// A click in a room of three taps, then a file as `gpuconv render` does it. Prints "ok".
#include <cstdio>
#include <gpuconv/gpuconv.hpp>
#include <vector>

int main(int argc, char** argv) {
  const std::vector<float> left{1, 0, 0.5F};
  const std::vector<float> right{0, 1, 0};
  const gpuconv::Plan plan({left, right});
  std::vector<float> click(10);
  click[2] = 1;
  gpuconv::Stereo<std::vector<float>> wet{std::vector<float>(12), std::vector<float>(12)};
  const gpuconv::Report report = plan.convolve(click, {wet.left, wet.right});
  std::printf("gpuconv %s, %s on %s\n", gpuconv::library_version(), report.method.c_str(),
              report.device.c_str());
  if (wet.left[2] != 1 || wet.left[4] != 0.5F || wet.right[3] != 1) return 1;

  gpuconv::PlanStream stream = plan.stream();
  std::vector<float> streamed = stream.push(click).left;
  for (const float frame : stream.finish().left) streamed.push_back(frame);
  if (streamed.size() != wet.left.size()) return 1;

  // An error that the library throws is caught by its class.
  try {
    plan.convolve({}, {wet.left, wet.right});
    return 1;
  } catch (const gpuconv::UsageError& error) {
    std::printf("%s\n", error.what());
  }
  if (argc == 4) {
    gpuconv::Job job;
    job.input = argv[1];
    job.response = argv[2];
    job.output = argv[3];
    const gpuconv::Response response = gpuconv::open_response(argv[2]);
    const gpuconv::JobReport done = gpuconv::run_job(job);
    std::printf("%s: %zu taps, %lld frames\n", argv[3], response.taps.left.size(),
                static_cast<long long>(done.written->frames));
  }
  std::puts("ok");
  return 0;
}
