"""The only package that touches TVM: importers from TIR and Relax."""
