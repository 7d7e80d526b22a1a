mod algebra;
mod sequences;
mod values;
