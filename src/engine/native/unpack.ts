// Takes the needed members out of a wheel or an official archive, with whatever tool the machine has.
import { complaint, type Finished, findProgram, runProgram } from './run-program.ts';

/** Headers of compilers and services that no kernel of ours includes: a third of all header bytes. */
const unneeded = ['llvm-project', 'stablehlo', 'shardy', 'envoy_api'].map(
  (name) => `tensorflow/include/external/${name}/`,
);

/** Member names by their beginnings, in TensorFlow's wheels and in NVIDIA's. */
const needed = ['tensorflow/libtensorflow', 'tensorflow/include/', 'nvidia/', 'lib/', 'include/'];

/** A dist-info's METADATA names the NVIDIA packages that the CUDA build wants. */
const metadata = '.dist-info/METADATA';

/** Reads only the needed members; prints nothing. */
const unzipInPython = `
import shutil, sys, zipfile, os
archive, folder, needed, unneeded, metadata = sys.argv[1], sys.argv[2], *[tuple(text.split('|')) for text in sys.argv[3:6]]
with zipfile.ZipFile(archive) as members:
    for name in members.namelist():
        if name.endswith('/') or '..' in name or name.startswith(unneeded):
            continue
        if name.startswith(needed) or name.endswith(metadata):
            target = os.path.join(folder, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with members.open(name) as source, open(target, 'wb') as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
`;

/**
 * Unpacks a wheel (or zip) with Python's zipfile or unzip, a .tar.gz with tar, into `folder`.
 * @throws Error that names what is missing or broken.
 */
export async function unpack(archive: string, folder: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const finished = /\.(tar\.gz|tgz|tar)$/.test(archive)
    ? await untar(archive, folder, environment)
    : await unzip(archive, folder, environment);
  if (finished.status !== 0) throw new Error(`${archive} could not be unpacked (${complaint(finished)})`);
}

async function unzip(archive: string, folder: string, environment: NodeJS.ProcessEnv): Promise<Finished> {
  const python = findProgram(['python3', 'python'], environment);
  if (python) {
    const lists = [needed, unneeded, [metadata]].map((list) => list.join('|'));
    return runProgram(python, ['-c', unzipInPython, archive, folder, ...lists], { environment });
  }
  const program = findProgram(['unzip'], environment);
  if (!program) throw new Error('neither python3 nor unzip is there to open the wheel (apt-get install unzip)');
  const members = [...needed.map((beginning) => `${beginning}*`), `*${metadata}`];
  const left = unneeded.map((beginning) => `${beginning}*`);
  const finished = await runProgram(program, ['-q', '-o', archive, ...members, '-x', ...left, '-d', folder], {
    environment,
  });
  // Status 11: some of the patterns match nothing, which is always so.
  return finished.status === 11 ? { ...finished, status: 0 } : finished;
}

async function untar(archive: string, folder: string, environment: NodeJS.ProcessEnv): Promise<Finished> {
  const program = findProgram(['tar'], environment);
  if (!program) throw new Error('tar is not there to open the archive');
  return runProgram(program, ['-xf', archive, '-C', folder], { environment });
}
